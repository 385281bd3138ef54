"""``"django_fargate"`` in INSTALLED_APPS adds the system checks and `uploadstatic`. Everything else works without."""

from __future__ import annotations

from django.apps import AppConfig


class DjangoFargateConfig(AppConfig):
    """No models and no templates."""

    name = "django_fargate"

    def ready(self) -> None:
        from . import checks

        checks.register_all()

"""Where the health check is answered."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

DEFAULT_HEALTH_PATH = "/healthz"


def health_path() -> str:
    """The setting DJANGO_FARGATE_HEALTH_PATH, ``/healthz`` unless set or where there are no settings."""
    try:
        return str(getattr(settings, "DJANGO_FARGATE_HEALTH_PATH", DEFAULT_HEALTH_PATH))
    except ImproperlyConfigured:
        return DEFAULT_HEALTH_PATH

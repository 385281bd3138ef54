"""A Django project in one file: a database in memory, the middleware and the sessions under test."""

import os
import tempfile

import django
import pytest
from django.conf import settings

KEYS = {"current": "c" * 50, "previous": "p" * 50}


def pytest_configure() -> None:
    settings.configure(
        SECRET_KEY=KEYS["current"],
        ALLOWED_HOSTS=["shop.example.com"],
        ROOT_URLCONF="project",
        # A file: threads of the asynchronous tests must see the same database.
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(tempfile.mkdtemp(), "db")}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
        MIDDLEWARE=[
            "django_fargate.middleware.HealthCheckMiddleware",
            "django_fargate.middleware.DatabaseUnavailableMiddleware",
            "django_fargate.middleware.CacheUnavailableMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        SESSION_ENGINE="django_fargate.sessions.db",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],  # fast
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


@pytest.fixture
def user():
    from django.contrib.auth.models import User

    user = User.objects.create_user(f"ada-{os.urandom(4).hex()}", password="lovelace-1815")
    yield user
    user.delete()


@pytest.fixture
def environment(monkeypatch):
    """Sets variables and removes every other of the contract."""
    from django_fargate.environment import SET_BY

    def set_variables(**variables: str) -> None:
        for name in SET_BY:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_variables

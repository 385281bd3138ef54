"""Settings of a project whose database arrives from elsewhere: Django's own applications alone."""

from release_settings import *  # noqa: F403

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]

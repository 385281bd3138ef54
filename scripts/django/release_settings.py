"""Settings of a project whose releases log in as the constructs say: from the environment."""

from django_fargate.settings import database

DATABASES = {"default": database()}
INSTALLED_APPS = ["shelf"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "only for tests"
USE_TZ = True

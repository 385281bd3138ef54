"""Plain Django: every setting that differs between environments is a variable."""

import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
SECRET_KEY_FALLBACKS = []
if "DJANGO_SECRET_KEYS" in os.environ:
    keys = json.loads(os.environ["DJANGO_SECRET_KEYS"])
    # The announced key as well: tasks of the next deployment sign with it while ours still run.
    SECRET_KEY_FALLBACKS = [key for key in [keys.get("next"), *keys.get("fallbacks", [])] if key]

DEBUG = False
ALLOWED_HOSTS = [host for host in os.environ.get("DJANGO_ALLOWED_HOSTS", "").split(",") if host]
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("DJANGO_CSRF_TRUSTED_ORIGINS", "").split(",") if origin]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

INSTALLED_APPS = ["django.contrib.contenttypes", "notes"]
MIDDLEWARE = [
    "project.health.up",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]

# A server process has more threads than it may hold connections; a release has one thread and no such variable.
connections = int(os.environ.get("DJANGO_FARGATE_CONNECTIONS", "0"))
# libpq reads PGSSLMODE and PGSSLROOTCERT by itself.
POOL = {"min_size": 0, "max_size": connections, "timeout": 10, "max_idle": 30}
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["DATABASE_HOST"],
        "PORT": os.environ["DATABASE_PORT"],
        "NAME": os.environ["DATABASE_NAME"],
        "USER": os.environ["DATABASE_USER"],
        "PASSWORD": os.environ["DATABASE_PASSWORD"],
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": POOL} if connections else {},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

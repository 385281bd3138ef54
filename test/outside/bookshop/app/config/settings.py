"""A class for each environment: DJANGO_CONFIGURATION chooses one."""

import json
import os
from pathlib import Path

from configurations import Configuration, values

BASE_DIR = Path(__file__).resolve().parent.parent


class Common(Configuration):
    SECRET_KEY = values.SecretValue()
    ALLOWED_HOSTS = values.ListValue([])
    CSRF_TRUSTED_ORIGINS = values.ListValue([])

    INSTALLED_APPS = [
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.staticfiles",
        "webpack_loader",
        "bookshop.books",
    ]
    MIDDLEWARE = [
        "bookshop.books.middleware.Health",
        "django.middleware.security.SecurityMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]
    ROOT_URLCONF = "config.urls"
    WSGI_APPLICATION = "config.wsgi.application"
    TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [BASE_DIR / "bookshop" / "templates"],
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ],
            },
        },
    ]
    USE_TZ = True
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

    STATIC_URL = "/static/"
    STATIC_ROOT = BASE_DIR / "staticfiles"
    STATICFILES_DIRS = [BASE_DIR / "bookshop" / "static"]
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    WEBPACK_LOADER = {
        "DEFAULT": {
            "CACHE": True,
            "STATS_FILE": BASE_DIR / "webpack-stats.json",
            "POLL_INTERVAL": 0.1,
            "IGNORE": [r".+\.map"],
        }
    }


class Local(Common):
    DEBUG = True
    SECRET_KEY = "of-a-laptop-and-nowhere-else"
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}


class Build(Common):
    """Of the image: what asks for neither a database nor a key that is worth anything."""

    SECRET_KEY = "of-the-build"
    DATABASES = {}


class Production(Common):
    DEBUG = False
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

    @property
    def SECRET_KEY_FALLBACKS(self):  # noqa: N802
        keys = json.loads(os.environ.get("DJANGO_SECRET_KEYS", "{}"))
        return [key for key in [keys.get("next"), *keys.get("fallbacks", [])] if key]

    @property
    def DATABASES(self):  # noqa: N802
        return {
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": os.environ["POSTGRES_HOST"],
                "PORT": os.environ["POSTGRES_PORT"],
                "NAME": os.environ["POSTGRES_DB"],
                "USER": os.environ["POSTGRES_USER"],
                "PASSWORD": os.environ["POSTGRES_PASSWORD"],
                "CONN_MAX_AGE": 60,
                "CONN_HEALTH_CHECKS": True,
            }
        }

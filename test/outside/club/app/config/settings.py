"""Plain settings of Django, as docs/your-project.md has them, and nothing of ``runtime/``."""

import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = os.environ["DJANGO_SECRET_KEY"]
keys = json.loads(os.environ.get("DJANGO_SECRET_KEYS", "{}"))
SECRET_KEY_FALLBACKS = [key for key in [keys.get("next"), *keys.get("fallbacks", [])] if key]

DEBUG = False
ALLOWED_HOSTS = [host for host in os.environ.get("DJANGO_ALLOWED_HOSTS", "").split(",") if host]
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("DJANGO_CSRF_TRUSTED_ORIGINS", "").split(",") if origin]
SECURE_PROXY_SSL_HEADER = ("HTTP_CLOUDFRONT_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "anymail",
    "club",
]

MIDDLEWARE = [
    "club.middleware.up",
    "club.middleware.CacheAway",
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
ASGI_APPLICATION = "config.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["DATABASE_HOST"],
        "PORT": os.environ["DATABASE_PORT"],
        "NAME": os.environ["DATABASE_NAME"],
        "USER": os.environ["DATABASE_USER"],
        "PASSWORD": os.environ["DATABASE_PASSWORD"],
        "CONN_HEALTH_CHECKS": True,
    }
}

TLS = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ["CACHE_URL"],
        "KEY_PREFIX": "cache",
        "OPTIONS": {**TLS, "socket_connect_timeout": 2, "socket_timeout": 5, "health_check_interval": 30},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {
            "hosts": [
                {"address": os.environ["CACHE_URL"], **TLS, "socket_connect_timeout": 2, "health_check_interval": 30}
            ],
            "prefix": "channels",
        },
    }
}

BUCKET = {
    "bucket_name": os.environ["AWS_STORAGE_BUCKET_NAME"],
    "region_name": os.environ["AWS_S3_REGION_NAME"],
    "custom_domain": os.environ["AWS_S3_CUSTOM_DOMAIN"],
    "addressing_style": "virtual",
    "signature_version": "s3v4",
    "file_overwrite": False,
}
STORAGES = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            **BUCKET,
            "location": "media",
            "cloudfront_key": os.environ.get("AWS_CLOUDFRONT_KEY"),
            "cloudfront_key_id": os.environ.get("AWS_CLOUDFRONT_KEY_ID"),
            "querystring_expire": 600,
        },
    },
    "public": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            **BUCKET,
            "location": "public",
            "querystring_auth": False,
            "object_parameters": {"CacheControl": "public, max-age=86400"},
        },
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

EMAIL_BACKEND = "anymail.backends.amazon_ses.EmailBackend"
ANYMAIL = {
    "AMAZON_SES_CLIENT_PARAMS": {"region_name": os.environ["AWS_SES_REGION_NAME"]},
    "AMAZON_SES_CONFIGURATION_SET_NAME": os.environ["AWS_SES_CONFIGURATION_SET"],
}
DEFAULT_FROM_EMAIL = SERVER_EMAIL = os.environ["DEFAULT_FROM_EMAIL"]

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "memory://")
CELERY_BROKER_TRANSPORT_OPTIONS = json.loads(os.environ.get("CELERY_BROKER_TRANSPORT_OPTIONS", "{}"))
CELERY_TASK_DEFAULT_QUEUE = os.environ.get("CELERY_TASK_DEFAULT_QUEUE", "default")
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False

USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "collected"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

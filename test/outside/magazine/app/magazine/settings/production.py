import json
import os

import dj_database_url

from .base import *  # noqa: F403
from .base import MIDDLEWARE

DEBUG = False
SECRET_KEY = os.environ["SECRET_KEY"]
keys = json.loads(os.environ.get("DJANGO_SECRET_KEYS", "{}"))
SECRET_KEY_FALLBACKS = [key for key in [keys.get("next"), *keys.get("fallbacks", [])] if key]
ALLOWED_HOSTS = os.environ["DJANGO_ALLOWED_HOSTS"].split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("DJANGO_CSRF_TRUSTED_ORIGINS", "").split(",") if origin]

DATABASES = {"default": dj_database_url.config(conn_max_age=600, conn_health_checks=True)}

SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True

# Who reads without a login gets pages that are up to half a minute old.
MIDDLEWARE = [
    "magazine.health.health_check",
    "django.middleware.cache.UpdateCacheMiddleware",
    *MIDDLEWARE[1:],
    "django.middleware.cache.FetchFromCacheMiddleware",
]
CACHE_MIDDLEWARE_SECONDS = 30

# Images and documents are read through Django, which asks who may see them.
STORAGES = {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": os.environ["AWS_STORAGE_BUCKET_NAME"], "querystring_auth": True},
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO"}, "wagtail": {"handlers": ["console"]}},
}

"""Settings of the guestbook. Everything that differs between environments comes from the environment."""

import os
from pathlib import Path

from django_fargate.logs import logging_config
from django_fargate.settings import (
    allowed_hosts,
    caches,
    channel_layers,
    csrf_trusted_origins,
    databases,
    mail,
    secret_keys,
    secure_cookies,
    secure_proxy_ssl_header,
    storages,
)

BASE_DIR = Path(__file__).resolve().parent.parent

#: Set by the Dockerfile while it collects static files, when there is neither a database nor a load balancer.
BUILDING = os.environ.get("DJANGO_BUILDING") == "1"

SECRET_KEY, SECRET_KEY_FALLBACKS = secret_keys()
DEBUG = False

if not BUILDING:
    ALLOWED_HOSTS = allowed_hosts()
    CSRF_TRUSTED_ORIGINS = csrf_trusted_origins()
    DATABASES = databases()
    SECURE_PROXY_SSL_HEADER = secure_proxy_ssl_header()  # The load balancer or CloudFront terminates TLS.
    SESSION_COOKIE_SECURE = secure_cookies()
    CSRF_COOKIE_SECURE = secure_cookies()
    CACHES = caches()
    CHANNEL_LAYERS = channel_layers()

#: A stack without a domain has no address to send from: the page for a forgotten password says so.
SENDS_MAIL = "DEFAULT_FROM_EMAIL" in os.environ
if SENDS_MAIL:
    globals().update(mail())

DATABASE_ROUTERS = ["django_fargate.replicas.ReplicaRouter"]  # of use where the stack has read replicas

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "anymail",
    "django_fargate",
    "guestbook",
]

MIDDLEWARE = [
    "django_fargate.middleware.HealthCheckMiddleware",
    "django_fargate.middleware.DatabaseUnavailableMiddleware",
    "django_fargate.middleware.CacheUnavailableMiddleware",
    "django_fargate.middleware.ReplicaMiddleware",
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

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SESSION_ENGINE = "django_fargate.sessions.db"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "messages"
LOGOUT_REDIRECT_URL = "messages"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Files that users upload are in the bucket of the stack: `default` below media/, what everybody may see below public/.
STORAGES = storages(location="media", public_location="public")
AWS_S3_OBJECT_PARAMETERS = {"CacheControl": "max-age=86400"}  # No file is ever replaced by another one of its name.

LOGGING = logging_config()

# The redirect to HTTPS and HSTS are the load balancer's: Django does not repeat them.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]

CELERY_TASK_ROUTES = {"guestbook.tasks.express_*": {"queue": "express"}}
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "guestbook.tasks.heartbeat", "schedule": 60.0, "options": {"expires": 60}},
}

"""
Reads the variables of the contract.

An error names the variable, what sets it and what to do without a stack, and shows no value that may be a secret.
"""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from typing import Any

from django.core.exceptions import ImproperlyConfigured

_APPLICATION_SECRET = "The application's database secret sets it (PostgresDatabase)"

#: What sets each variable, for the error message of whoever misses one.
SET_BY = {
    "DJANGO_FARGATE_CONNECTIONS": "`connectionsPerProcess` of `web` and `asgi` sets it",
    "DJANGO_FARGATE_PROCESS": "Every process has one (WebService and its like)",
    "DJANGO_SECRET_KEYS": "The secret of the key sets it (SecretKey)",
    "DJANGO_SECRET_KEY": "The secret of the key sets it (SecretKey)",
    "DATABASE_HOST": _APPLICATION_SECRET,
    "DATABASE_PORT": _APPLICATION_SECRET,
    "DATABASE_NAME": _APPLICATION_SECRET,
    "DATABASE_USER": _APPLICATION_SECRET,
    "DATABASE_PASSWORD": _APPLICATION_SECRET,
    "DATABASE_REPLICA_HOST": "Read replicas set it (PostgresDatabase, `readReplicas`)",
    "PGSSLMODE": "The database sets it together with PGSSLROOTCERT (PostgresDatabase)",
    "PGSSLROOTCERT": "The database sets it together with PGSSLMODE (PostgresDatabase)",
    "CELERY_BROKER_URL": "The broker sets it (CeleryBroker)",
    "CELERY_BROKER_TRANSPORT_OPTIONS": "The broker sets it (CeleryBroker)",
    "CELERY_TASK_DEFAULT_QUEUE": "The broker sets it (CeleryBroker)",
    "AWS_STORAGE_BUCKET_NAME": "The bucket for media files sets it (MediaStorage, `media`)",
    "AWS_S3_REGION_NAME": "The bucket for media files sets it (MediaStorage, `media`)",
    "AWS_S3_CUSTOM_DOMAIN": "The distribution that serves media files sets it (Cdn, `cdn`)",
    "AWS_CLOUDFRONT_KEY": "The keys for signed URLs set it (UrlSigningKeys, `urlSigningKeys`)",
    "AWS_CLOUDFRONT_KEY_ID": "The keys for signed URLs set it (UrlSigningKeys, `urlSigningKeys`)",
    "STATIC_FILES_BUCKET_NAME": "The bucket of static files sets it in a release (StaticFiles, `staticFiles`)",
    "STATIC_FILES_REGION_NAME": "The bucket of static files sets it in a release (StaticFiles, `staticFiles`)",
    "STATIC_FILES_PATHS": "The distribution before the bucket of static files sets it in a release (Cdn)",
    "CACHE_URL": "The secret of the cache sets it (Cache, `cache`)",
    "DEFAULT_FROM_EMAIL": "Outgoing mail sets it (Mail, `mail`)",
    "AWS_SES_REGION_NAME": "Outgoing mail sets it (Mail, `mail`)",
    "CELERY_LIVENESS_FILE": "Worker and beat set it (WorkerService, BeatService)",
    "DJANGO_ALLOWED_HOSTS": "The domain names of the load balancer set it (HttpsLoadBalancer)",
    "DJANGO_CSRF_TRUSTED_ORIGINS": "The domain names of the load balancer set it (HttpsLoadBalancer)",
    "SECURE_PROXY_SSL_HEADER": "A distribution before the load balancer sets it (Cdn)",
}


def improperly(name: str, problem: str) -> ImproperlyConfigured:
    """The error for a variable: its name, what is wrong, what sets it, and what to do where that is absent."""
    return ImproperlyConfigured(
        f"The environment variable {name} {problem}. {SET_BY[name]}; outside of a stack, set it yourself."
    )


def required(name: str) -> str:
    """The value of a variable that must be there and must not be empty."""
    value = os.environ.get(name)
    if not value:
        raise improperly(name, "is not set" if value is None else "is empty")
    return value


def required_json(name: str) -> dict[str, Any]:
    """The JSON object in a variable that must be there."""
    try:
        value = json.loads(required(name))
    except ValueError:
        # The parser's own error quotes the document, which may be a secret.
        raise improperly(name, "is not valid JSON") from None
    if not isinstance(value, dict):
        raise improperly(name, "is not a JSON object")
    return value


def optional(name: str) -> str | None:
    """The value of a variable that may be absent, which empty is, too."""
    return os.environ.get(name) or None


def process() -> str | None:
    """Which process this is, by the constructs: web, asgi, worker, beat, release or scheduled."""
    return optional("DJANGO_FARGATE_PROCESS")


def is_installed(module: str) -> bool:
    """Whether a module could be imported, without doing so."""
    return find_spec(module) is not None


def need(setting: str, package: str, *modules: str) -> None:
    """Refuse a setting whose package is not installed, which Django would only say when it is used."""
    missing = [module for module in modules if not is_installed(module)]
    if missing:
        raise ImproperlyConfigured(
            f"{setting} needs {package}, and there is no module {', '.join(missing)}. Run pip install '{package}'."
        )


def listed(name: str) -> list[str]:
    """The comma-separated items of a variable that must be set and may be empty."""
    value = os.environ.get(name)
    if value is None:
        raise improperly(name, "is not set")
    return [item for item in (part.strip() for part in value.split(",")) if item]

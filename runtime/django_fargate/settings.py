"""
Django settings from the environment, one function for each concern.

Nothing falls back to a value that would be unsafe in production.
"""

from __future__ import annotations

import os
from typing import Any

from .environment import improperly, listed, required, required_json

#: Seconds that a connection of a WSGI server or worker is kept.
CONN_MAX_AGE = 60
#: Seconds to wait for the database to accept a connection: a page should fail before the load balancer gives up.
CONNECT_TIMEOUT = 5


def database(*, asgi: bool = False) -> dict[str, Any]:
    """
    ``DATABASES["default"]`` from DATABASE_*, with TLS from PGSSLMODE and PGSSLROOTCERT.

    Under ASGI every request has a thread of its own, so that a kept connection would never be used again: with ``asgi``
    a connection ends with its request.
    """
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": required("DATABASE_HOST"),
        "PORT": required("DATABASE_PORT"),
        "NAME": required("DATABASE_NAME"),
        "USER": required("DATABASE_USER"),
        "PASSWORD": required("DATABASE_PASSWORD"),
        "CONN_MAX_AGE": 0 if asgi else CONN_MAX_AGE,
        "CONN_HEALTH_CHECKS": not asgi,
        "OPTIONS": {"connect_timeout": CONNECT_TIMEOUT, **_tls()},
    }


def secret_keys() -> tuple[str, list[str]]:
    """
    ``SECRET_KEY, SECRET_KEY_FALLBACKS`` from DJANGO_SECRET_KEYS, or DJANGO_SECRET_KEY alone where there is no document.

    The announced ``next`` key is a fallback too: tasks that already run the next version of the secret sign with it.
    """
    if "DJANGO_SECRET_KEYS" not in os.environ:
        return required("DJANGO_SECRET_KEY"), []
    document = required_json("DJANGO_SECRET_KEYS")
    key, following, previous = document.get("key"), document.get("next"), document.get("fallbacks", [])
    if not isinstance(key, str) or not key:
        raise improperly("DJANGO_SECRET_KEYS", "has no `key`")
    if not isinstance(previous, list) or not all(isinstance(item, str) for item in previous):
        raise improperly("DJANGO_SECRET_KEYS", "has `fallbacks` that are not a list of strings")
    if following is not None and not isinstance(following, str):
        raise improperly("DJANGO_SECRET_KEYS", "has a `next` that is not a string")
    candidates = dict.fromkeys([following, *previous])
    return key, [item for item in candidates if item and item != key]


def allowed_hosts() -> list[str]:
    """``ALLOWED_HOSTS`` from DJANGO_ALLOWED_HOSTS. The health check does not need an entry."""
    hosts = listed("DJANGO_ALLOWED_HOSTS")
    if "*" in hosts:
        raise improperly("DJANGO_ALLOWED_HOSTS", "allows every host; HealthCheckMiddleware makes that unnecessary")
    return hosts


def csrf_trusted_origins() -> list[str]:
    """``CSRF_TRUSTED_ORIGINS`` from DJANGO_CSRF_TRUSTED_ORIGINS."""
    origins = listed("DJANGO_CSRF_TRUSTED_ORIGINS")
    if any("://" not in origin for origin in origins):
        raise improperly("DJANGO_CSRF_TRUSTED_ORIGINS", "has an origin without a scheme")
    return origins


def secure_cookies() -> bool:
    """
    Return whether browsers may send cookies over HTTPS only, for SESSION_COOKIE_SECURE and CSRF_COOKIE_SECURE.

    It is False only if every trusted origin is ``http://``: in a development stack without a domain name.
    """
    origins = csrf_trusted_origins()
    return not origins or any(origin.startswith("https://") for origin in origins)


def _tls() -> dict[str, str]:
    """
    Both variables or neither.

    PGSSLROOTCERT alone connects without verifying anything, PGSSLMODE alone finds no certificate.
    """
    names = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    if not any(os.environ.get(name) for name in names.values()):
        return {}
    return {option: required(name) for option, name in names.items()}

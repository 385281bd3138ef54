"""
Django settings from the environment, one function for each concern.

Nothing falls back to a value that would be unsafe in production.
"""

from __future__ import annotations

import logging
import os
import random
from typing import Any

from .cache import caches, channel_layers, result_backend
from .environment import improperly, is_installed, listed, optional, process, required, required_json
from .files import storages
from .mail import mail

__all__ = [
    "allowed_hosts",
    "caches",
    "channel_layers",
    "csrf_trusted_origins",
    "database",
    "databases",
    "mail",
    "process",
    "result_backend",
    "secret_keys",
    "secure_cookies",
    "secure_proxy_ssl_header",
    "storages",
]

logger = logging.getLogger(__name__)

#: Seconds that a connection of a WSGI server or worker is kept.
CONN_MAX_AGE = 60
#: Seconds after which the connections of a process that has nothing to do are closed. Within ten minutes without
#: visitors and tasks none is left, so that a database can pause.
IDLE = 300
#: Seconds to wait for the database to accept a connection: a page should fail before the load balancer gives up.
CONNECT_TIMEOUT = 5
#: Seconds that a request waits for a connection of the pool, before it is answered with 503.
POOL_TIMEOUT = 10
#: Seconds to wait for a connection to a replica, before reads go to the primary. libpq waits no less.
REPLICA_TIMEOUT = 2


def database(*, asgi: bool | None = None, pool: int | None = None) -> dict[str, Any]:
    """
    ``DATABASES["default"]`` from DATABASE_*, with TLS from PGSSLMODE and PGSSLROOTCERT.

    A server process has many more threads than connections. It has a pool of as many connections as the construct
    counts for it, `connectionsPerProcess`: under gunicorn and, where nothing else bounds their number, under ASGI. It
    needs `psycopg[pool]`; without that a connection ends with its request, and each thread may open one. Without
    DJANGO_FARGATE_PROCESS and DJANGO_FARGATE_CONNECTIONS, `asgi` and `pool` say what these would.
    """
    asgi = process() == "asgi" if asgi is None else asgi
    counted = _connections() if asgi or process() == "web" else None
    size = pool or (counted if is_installed("psycopg_pool") else None)
    if counted and not size:
        logger.warning(
            "psycopg[pool] is not installed: each thread of this server may hold a connection to the database, and %s "
            "were counted for the process. Install it, or give `web` as many `connectionsPerProcess` as `threads`.",
            counted,
        )
    options: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT, **_tls()}
    if size:
        options["pool"] = _pool(size)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": required("DATABASE_HOST"),
        "PORT": required("DATABASE_PORT"),
        "NAME": required("DATABASE_NAME"),
        "USER": required("DATABASE_USER"),
        "PASSWORD": required("DATABASE_PASSWORD"),
        "CONN_MAX_AGE": 0 if asgi or size or counted else CONN_MAX_AGE,
        "CONN_HEALTH_CHECKS": bool(size) or not asgi,
        "OPTIONS": options,
    }


def databases(*, asgi: bool | None = None, pool: int | None = None) -> dict[str, dict[str, Any]]:
    """
    ``DATABASES`` from DATABASE_*: ``default`` as `database()` has it, and ``replica`` where there are read replicas.

    `ReplicaRouter` and `ReplicaMiddleware` send reads there. Of several replicas each process takes one at random, and
    another where that is away.
    """
    default = database(asgi=asgi, pool=pool)
    hosts = [host.strip() for host in (optional("DATABASE_REPLICA_HOST") or "").split(",") if host.strip()]
    if not hosts:
        return {"default": default}
    # A host that has vanished acknowledges nothing: without a limit a query waits for a quarter of an hour.
    limits = {"connect_timeout": REPLICA_TIMEOUT, "tcp_user_timeout": 1000 * REPLICA_TIMEOUT}
    options = {**default["OPTIONS"], **limits}
    if "pool" in options:
        from .pool import ReplicaConnection

        short = {
            "timeout": REPLICA_TIMEOUT,
            "reconnect_timeout": REPLICA_TIMEOUT,
            "connection_class": ReplicaConnection,
        }
        options["pool"] = {**options["pool"], **short, "connection_class": ReplicaConnection}
    random.shuffle(hosts)
    # Tests write to the one and read from the other, in one transaction.
    replica = {**default, "HOST": ",".join(hosts), "OPTIONS": options, "TEST": {"MIRROR": "default"}}
    return {"default": default, "replica": replica}


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


def secure_proxy_ssl_header() -> tuple[str, str]:
    """
    ``SECURE_PROXY_SSL_HEADER``: the header that says whether the user came over HTTPS.

    SECURE_PROXY_SSL_HEADER names it where CloudFront stands before the load balancer, and then only CloudFront has
    written it. Otherwise it is X-Forwarded-Proto, which the load balancer writes: a header that a client has called
    CloudFront-Forwarded-Proto says nothing then.
    """
    name = optional("SECURE_PROXY_SSL_HEADER") or "X-Forwarded-Proto"
    return f"HTTP_{name.upper().replace('-', '_')}", "https"


def _connections() -> int | None:
    """How many connections a server process may hold, by the contract."""
    size = optional("DJANGO_FARGATE_CONNECTIONS")
    if size is None:
        return None
    if not size.isdigit() or int(size) < 1:
        raise improperly("DJANGO_FARGATE_CONNECTIONS", f"must be a whole number from 1 on, got {size!r}")
    return int(size)


def _pool(size: int) -> dict[str, Any]:
    from .pool import Connection

    return {
        "min_size": 0,
        "max_size": size,
        "timeout": POOL_TIMEOUT,
        # After each of these times the pool closes one connection that it has not needed.
        "max_idle": IDLE / (size + 1),
        # It tries again at growing intervals, and otherwise for five minutes: a database that is back would have to
        # wait for the next of them. A new request starts anew.
        "reconnect_timeout": POOL_TIMEOUT,
        "connection_class": Connection,
    }


def _tls() -> dict[str, str]:
    """
    Both variables or neither.

    PGSSLROOTCERT alone connects without verifying anything, PGSSLMODE alone finds no certificate.
    """
    names = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT"}
    if not any(os.environ.get(name) for name in names.values()):
        return {}
    return {option: required(name) for option, name in names.items()}

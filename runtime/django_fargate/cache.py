"""The cache of the contract, for Django's cache, the channel layer of Channels and the results of Celery."""

from __future__ import annotations

import ssl
import sys
from typing import Any

from .environment import need, required

#: Seconds to wait for a connection: a page should fail before its visitor gives up.
CONNECT_TIMEOUT = 2
#: Seconds to wait for an answer.
TIMEOUT = 5
#: The same for the channel layer, which waits five seconds for a message: redis 8 would give up at that moment.
LAYER_TIMEOUT = 10
#: Seconds after which an idle connection is tried before it is used: a failover has ended it.
HEALTH_CHECK_INTERVAL = 30


def caches(*, key_prefix: str = "cache") -> dict[str, Any]:
    """
    ``CACHES`` with one cache, ``default``, from CACHE_URL: Django's own backend, over TLS.

    The prefix is the same for every release, so that a deployment loses no session, no lock and no page. Where a
    release stores values of another kind under old keys, give it another prefix: old and new tasks run side by side.

    The cache and the channel layer share a database: ``cache.clear()`` empties both.
    """
    need("caches()", "redis>=5", "redis")
    url = required("CACHE_URL")
    return {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": url,
            "KEY_PREFIX": key_prefix,
            "OPTIONS": {**_connection(url), "socket_timeout": TIMEOUT},
        }
    }


def channel_layers(*, encrypt: bool = False, prefix: str = "channels") -> dict[str, Any]:
    """
    ``CHANNEL_LAYERS`` with one layer, ``default``, from CACHE_URL: the core layer of channels_redis, over TLS.

    Messages are encrypted on their way by TLS, and in snapshots by the key of the cache. `encrypt` does so in the
    memory of the cache as well, with SECRET_KEY and its fallbacks, for a cache that others can log in to. It needs
    `cryptography`. Tasks with the key before a rotation and tasks with the new one understand each other.
    """
    need("channel_layers()", "channels_redis>=4.2", "channels_redis")
    url = required("CACHE_URL")
    host = {"address": url, **_connection(url), "socket_timeout": LAYER_TIMEOUT}
    config: dict[str, Any] = {"hosts": [host], "prefix": prefix}
    if encrypt:
        from .settings import secret_keys

        need("channel_layers(encrypt=True)", "cryptography", "cryptography")
        key, fallbacks = secret_keys()
        config["symmetric_encryption_keys"] = [key, *fallbacks]
    return {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": config}}


def result_backend() -> str:
    """
    ``CELERY_RESULT_BACKEND`` from CACHE_URL.

    Tasks go through SQS all the same. A result stays for CELERY_RESULT_EXPIRES, a day by default, unless the cache is
    full before; who needs results for longer stores them in the database.
    """
    need("result_backend()", "redis>=5", "redis")
    url = required("CACHE_URL")
    return f"{url}?ssl_cert_reqs=required&ssl_check_hostname=true" if _is_tls(url) else url


def is_cache_unavailable(exception: BaseException | None) -> bool:
    """
    Whether the cache could not be reached, or is changing its primary.

    A wrong password and a certificate that does not verify are errors: waiting does not help, and whoever has to mend
    it must hear of it.
    """
    errors = sys.modules.get("redis.exceptions")
    if errors is None or exception is None:
        return False
    if isinstance(exception, (errors.AuthenticationError, errors.AuthorizationError)):
        return False
    away = (errors.ConnectionError, errors.TimeoutError, errors.ReadOnlyError)
    return isinstance(exception, away) and not _is_certificate(exception)


def _is_certificate(exception: BaseException) -> bool:
    """redis says what the socket said, and raises its own error while that one is handled."""
    reason: BaseException | None = exception
    while reason is not None:
        if isinstance(reason, ssl.SSLCertVerificationError):
            return True
        reason = reason.__cause__ or reason.__context__
    return False


def _is_tls(url: str) -> bool:
    return url.startswith("rediss://")


def _connection(url: str) -> dict[str, Any]:
    """A server without TLS, on a developer's machine, takes no options of it. redis 5 checks no host name by itself."""
    tls = {"ssl_cert_reqs": "required", "ssl_check_hostname": True} if _is_tls(url) else {}
    return {**tls, "socket_connect_timeout": CONNECT_TIMEOUT, "health_check_interval": HEALTH_CHECK_INTERVAL}

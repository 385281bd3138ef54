"""
System checks: what the stack has made and the settings do not use.

`manage.py check --deploy` runs them. They compare the settings with the variables of the contract, so outside of a
stack they find nothing. All are warnings: a release runs checks, too, and must not fail for what worked before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.utils.module_loading import import_string

from .environment import optional, process
from .mail import has_mailers
from .replicas import REPLICA, ReplicaRouter

#: Caches that other processes do not see.
_LOCAL_CACHES = ("LocMemCache", "DummyCache", "FileBasedCache")
_LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")
_SMTP = "django.core.mail.backends.smtp.EmailBackend"
#: Backends that send nothing.
_SILENT = tuple(
    f"django.core.mail.backends.{name}.EmailBackend" for name in ("console", "dummy", "filebased", "locmem")
)
#: Keys in the settings, which django-storages and django-ses use in place of the role.
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_S3_ACCESS_KEY_ID", "AWS_SES_ACCESS_KEY_ID")


def register_all() -> None:
    """Called when the app is ready. Django takes each function once, however often."""
    parts = (check_cache, check_sessions, check_files, check_mail, check_channels, check_keys, check_static_files)
    for check in (*parts, check_replicas):
        register(check, Tags.security, deploy=True)


def check_cache(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """W001: a cache that no other process sees. W002: TLS that verifies nobody."""
    return list(_cache()) if optional("CACHE_URL") else []


def _cache() -> Iterator[CheckMessage]:
    caches: dict[str, Any] = settings.CACHES
    if _is_local(caches.get("default", {})):
        yield _warning(
            1,
            "The stack has a cache, and CACHES keeps the default one in each process.",
            "Each task has pages and limits of its own. Set CACHES = caches(), from django_fargate.settings.",
        )
    for alias, cache in caches.items():
        options = cache.get("OPTIONS") or {}
        pool = options.get("CONNECTION_POOL_KWARGS") or {}  # django-redis
        verifies = {"ssl_cert_reqs": "required", **pool, **options}["ssl_cert_reqs"]
        locations = cache.get("LOCATION") or ""
        is_tls = "rediss://" in (locations if isinstance(locations, str) else " ".join(map(str, locations)))
        if is_tls and (verifies in (None, False, 0) or str(verifies).lower() in ("none", "cert_none")):
            yield _warning(
                2,
                f"The cache {alias!r} takes any certificate, so its password goes to whoever answers.",
                "Take `ssl_cert_reqs` out of its OPTIONS: the certificate of ElastiCache verifies.",
            )


def check_sessions(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """W003: sessions that no other process sees, or whose end no other process sees."""
    engine: str = settings.SESSION_ENGINE
    cache: dict[str, Any] = settings.CACHES.get(settings.SESSION_CACHE_ALIAS, {})
    if process() is None:
        return []
    if engine.endswith(".file") or (engine.endswith(".cache") and _is_local(cache)):
        what = f"Sessions of {engine} are seen by one process alone: whoever logs in is logged out by the next task."
    elif engine.endswith(".cached_db") and _is_local(cache) and not _keeps_nothing(cache):
        what = f"{engine} keeps sessions in a cache of each process: whoever logs out stays logged in to the others."
    else:
        return []
    return [
        _warning(
            3,
            what,
            'Set SESSION_ENGINE = "django_fargate.sessions.db", or ...cached_db with CACHES = caches()'
            + _needs_a_cache(),
        )
    ]


def check_files(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """W004: uploads that end on a disk which is read-only, or gone with the task. W010: addresses of no file."""
    from django.core.files.storage import FileSystemStorage, InMemoryStorage

    backend = settings.STORAGES.get("default", {}).get("BACKEND")
    kind = _class(backend)
    is_local = isinstance(kind, type) and issubclass(kind, (FileSystemStorage, InMemoryStorage))
    if optional("AWS_STORAGE_BUCKET_NAME") is None:
        return []
    if not is_local:
        return list(_addresses(backend))
    return [
        _warning(
            4,
            f"The stack has a bucket for media files, and STORAGES keeps them on the disk of the task ({backend}).",
            "Set STORAGES = storages(), from django_fargate.settings. The disk of a task is read-only or ends with it.",
        )
    ]


def _addresses(backend: object) -> Iterator[CheckMessage]:
    """Addresses of files that the distribution of the stack serves, by folder."""
    domain = optional("AWS_S3_CUSTOM_DOMAIN")
    if domain is None or not str(backend).startswith("storages.backends.s3"):
        return
    options = settings.STORAGES["default"].get("OPTIONS") or {}
    used = options.get("custom_domain") or getattr(settings, "AWS_S3_CUSTOM_DOMAIN", None)
    location = options.get("location") or getattr(settings, "AWS_LOCATION", "")
    if not used:
        problem = f"The distribution of the stack serves media files at {domain}, and addresses of them lead to S3."
    elif used == domain and not location:
        problem = "Addresses of media files have no folder, so they lead to the application, which has no such page."
    else:
        return
    yield _warning(
        10,
        problem,
        'Set STORAGES = storages(location="media"): the folder of `signedMediaPaths` or `publicMediaPaths`.',
    )


def check_mail(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """W005: mail that does not leave. W006: a sender that SES refuses. W007: a quota that processes may not ask for."""
    return list(_mail()) if optional("AWS_SES_REGION_NAME") else []


def _mail() -> Iterator[CheckMessage]:
    backend, host = _mailer()
    if backend in _SILENT or (backend == _SMTP and host in _LOCAL_HOSTS):
        yield _warning(
            5,
            "The stack sends mail with Amazon SES, and the settings "
            + (
                f"hand it to SMTP on {host or 'localhost'}, where nothing listens."
                if backend == _SMTP
                else f"send none ({backend})."
            ),
            "Add globals().update(mail()), from django_fargate.settings"
            + ("; it sets MAILERS: take EMAIL_BACKEND and EMAIL_HOST out." if has_mailers() else "."),
        )
    senders = {"DEFAULT_FROM_EMAIL": "webmaster@localhost"}
    if settings.ADMINS or settings.MANAGERS:
        senders["SERVER_EMAIL"] = "root@localhost"
    for name, default in senders.items():
        if getattr(settings, name) == default:
            yield _warning(
                6,
                f"{name} is {default}, which Amazon SES refuses.",
                f'Set {name} = os.environ["DEFAULT_FROM_EMAIL"], or globals().update(mail()).',
            )
    if backend == "django_ses.SESBackend" and getattr(settings, "AWS_SES_AUTO_THROTTLE", 0.5) is not None:
        yield _warning(
            7,
            "django-ses asks for the quota of the account before it sends, which processes may not, so no mail leaves.",
            "Set AWS_SES_AUTO_THROTTLE = None.",
        )


def _mailer() -> tuple[str, str]:
    """Backend and host of what sends by default."""
    mailers: dict[str, Any] | None = getattr(settings, "MAILERS", None) if has_mailers() else None
    if mailers is None:
        return settings.EMAIL_BACKEND, settings.EMAIL_HOST
    mailer: dict[str, Any] = mailers.get("default") or {}
    return mailer.get("BACKEND", _SMTP), (mailer.get("OPTIONS") or {}).get("host", "")


def check_channels(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """W008: groups that reach the sockets of one process."""
    layers: dict[str, Any] = getattr(settings, "CHANNEL_LAYERS", None) or {}
    local = [alias for alias, layer in layers.items() if str(layer.get("BACKEND")).endswith(".InMemoryChannelLayer")]
    if process() is None or not local:
        return []
    return [
        _warning(
            8,
            f"The channel layer {local[0]!r} is in memory: a message to a group reaches the sockets of one process.",
            "Set CHANNEL_LAYERS = channel_layers(), from django_fargate.settings" + _needs_a_cache(),
        )
    ]


def check_keys(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """W009: keys of AWS in the settings, which take precedence over the role."""
    found = [name for name in _KEYS if getattr(settings, name, None)]
    if process() is None or not found:
        return []
    return [
        _warning(
            9,
            f"{', '.join(found)} in the settings replaces the role of the task, which has the permissions it needs.",
            "Take the keys out. boto3 finds the role by itself.",
        )
    ]


def check_static_files(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """W011: static files that keep their names, so that a release replaces those that older pages ask for."""
    from django.contrib.staticfiles.storage import ManifestFilesMixin

    backend = settings.STORAGES.get("staticfiles", {}).get("BACKEND")
    kind = _class(backend)
    is_plain = isinstance(kind, type) and not issubclass(kind, ManifestFilesMixin)
    if optional("STATIC_FILES_BUCKET_NAME") is None or not is_plain:
        return []
    return [
        _warning(
            11,
            f"Names of static files do not change with their content ({backend}), "
            "so pages of the previous release get the files of this one.",
            "Set STORAGES = storages(), from django_fargate.settings, or another storage with a manifest.",
        )
    ]


def check_replicas(app_configs: Sequence[Any] | None = None, **_: Any) -> list[CheckMessage]:
    """W012: replicas from which nothing is read. W013: reads that may be older than the visitor's own writes."""
    return list(_replicas()) if optional("DATABASE_REPLICA_HOST") else []


def _replicas() -> Iterator[CheckMessage]:
    routers = [import_string(router) if isinstance(router, str) else router for router in settings.DATABASE_ROUTERS]
    kinds = [router if isinstance(router, type) else type(router) for router in routers]
    if REPLICA not in settings.DATABASES or not any(issubclass(kind, ReplicaRouter) for kind in kinds):
        yield _warning(
            12,
            "The stack has read replicas, and nothing is read from them.",
            'Set DATABASES = databases() and DATABASE_ROUTERS = ["django_fargate.replicas.ReplicaRouter"], '
            "and add django_fargate.middleware.ReplicaMiddleware to MIDDLEWARE.",
        )
        return
    middleware: list[str] = list(settings.MIDDLEWARE)
    ours, sessions = (
        next((at for at, path in enumerate(middleware) if path.endswith(name)), None)
        for name in (".ReplicaMiddleware", ".SessionMiddleware")
    )
    if ours is None:
        yield _warning(
            12,
            "Without ReplicaMiddleware the router does not know of any request, and reads all from the primary.",
            "Add django_fargate.middleware.ReplicaMiddleware to MIDDLEWARE, before SessionMiddleware.",
        )
    elif sessions is not None and sessions < ours:
        yield _warning(
            13,
            "SessionMiddleware stands before ReplicaMiddleware, which does not notice that a session was written.",
            "Move django_fargate.middleware.ReplicaMiddleware before it.",
        )
    if any(database.get("ATOMIC_REQUESTS") for database in settings.DATABASES.values()):
        yield _warning(
            12,
            "With ATOMIC_REQUESTS each request is a transaction on the primary, and reads from it.",
            "Take ATOMIC_REQUESTS out, and put transaction.atomic around what belongs together.",
        )


def _is_local(cache: dict[str, Any]) -> bool:
    return str(cache.get("BACKEND", "")).endswith(_LOCAL_CACHES)


def _keeps_nothing(cache: dict[str, Any]) -> bool:
    return str(cache.get("BACKEND", "")).endswith("DummyCache")


def _needs_a_cache() -> str:
    """The end of a hint that names what reads CACHE_URL."""
    return "." if optional("CACHE_URL") else "; the stack has no cache yet: add `cache: {}`."


def _class(path: object) -> object:
    """Nothing where it cannot be imported: Django says so itself, when it is used."""
    try:
        return import_string(path) if isinstance(path, str) else path
    except ImportError:
        return None


def _warning(number: int, message: str, hint: str) -> CheckMessage:
    return Warning(message, hint=hint, id=f"django_fargate.W{number:03}")

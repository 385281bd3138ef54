"""The versions of other packages that the contract needs, refused in words where they are too old."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version

from django.core.exceptions import ImproperlyConfigured

#: Why each of them is necessary, for the error message.
REASONS = {
    "celery": "earlier ones lose tasks when a worker stops",
    "kombu": "earlier ones have no timeouts towards SQS",
    "gunicorn": "23.0 does not start behind a load balancer, and earlier ones trust nobody in FORWARDED_ALLOW_IPS",
    "uvicorn": "earlier ones take the load balancer for the client",
    "uvicorn-worker": "earlier ones do not start with uvicorn 0.36 and later",
}
MINIMUM = {"celery": (5, 6), "kombu": (5, 6), "gunicorn": (24, 1), "uvicorn": (0, 34), "uvicorn-worker": (0, 4)}
#: kombu 5.7.0 ends a worker when one poll of SQS fails.
BROKEN: dict[str, dict[tuple[int, ...], str]] = {"kombu": {(5, 7, 0): "its worker ends when one poll of SQS fails"}}
#: With max_requests older ones lose requests: 13 of 10,084 with gunicorn 26.0, none with 27.0.1.
GUNICORN_WITH_MAX_REQUESTS = (27, 0, 1)


def installed(package: str) -> tuple[int, ...] | None:
    """The numbers of a package's version, None where it is not installed."""
    try:
        return tuple(int(number) for number in re.findall(r"\d+", version(package))[:3])
    except PackageNotFoundError:
        return None


def require(package: str, minimum: tuple[int, ...] | None = None, reason: str | None = None) -> None:
    """Raise ImproperlyConfigured if a package is older than the contract allows, or is known to be broken."""
    found = installed(package)
    if found is None:
        return
    minimum = minimum or MINIMUM[package]
    if found < minimum:
        _refuse(package, f"must be {_text(minimum)} or later", reason or REASONS[package], minimum)
    broken = BROKEN.get(package, {}).get(found)
    if broken is not None:
        _refuse(package, f"must not be {_text(found)}", broken, minimum)


def _refuse(package: str, must: str, reason: str, minimum: tuple[int, ...]) -> None:
    others = "".join(f",!={_text(numbers)}" for numbers in BROKEN.get(package, {}))
    raise ImproperlyConfigured(
        f"{package} {must}, got {version(package)}: {reason}. Install `{package}>={_text(minimum)}{others}`."
    )


def _text(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))

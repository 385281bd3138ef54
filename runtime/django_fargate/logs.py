"""Logs as one JSON object a line, which CloudWatch Logs Insights and metric filters read by field."""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timezone
from typing import Any

from . import context
from .health import health_path
from .masking import masked_path

_RECORD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
#: Values inside values are written out to this depth, and as one text below it.
_DEPTH = 6


class JsonFormatter(logging.Formatter):
    """
    One JSON object a line: time, levelname, logger, message, exception, and what the call passed as ``extra``.

    What belongs to a request has its ``trace``, what belongs to a task ``task_id`` and ``task_name``. An ``extra`` of
    any type appears: as JSON where there is such a type, else as text. One that is named like a field of the record
    is written as ``extra_<name>``.

    Paths are written by the filters below: without query strings, and without what looks like a token.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "levelname": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        given = _extra(record)
        for name, value in {**context.fields(), **given}.items():
            line[f"extra_{name}" if name in line else name] = _plain(value)
        text = json.dumps(line, ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair cannot be written


class RequestFilter(logging.Filter):
    """
    What Django and gunicorn say about a request, so that strangers write neither errors nor their links into the log.

    Paths are masked. A request that was refused as suspicious is a warning: Django calls each one an error, and
    whoever sends a thousand form fields ten times would set off the alarm on errors.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.split(".", 1)[0] in ("django", "gunicorn"):
            if isinstance(record.args, tuple):
                record.args = tuple(map(_without_token, record.args))
            # gunicorn quotes what it could not parse, of which the request line is a part.
            if str(record.msg).startswith("Invalid request from "):
                record.msg = re.sub(r""":?\s*b?['"].*""", "", str(record.msg), flags=re.DOTALL)
        if record.name.startswith("django.security.") and record.levelno == logging.ERROR:
            _lower(record, logging.WARNING)
        return True


class UvicornAccessFilter(logging.Filter):
    """
    Turns uvicorn's lines about requests and WebSockets into fields, with masked paths.

    Drops health checks that passed. What a client sent wrong is no error of the application.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args if isinstance(record.args, tuple) else ()
        if record.name == "uvicorn.access" and len(arguments) == 5:
            client, method, path, _, status = arguments
            _describe(record, client=client, method=method, path=path, status=status)
            return not (status == 200 and str(path).split("?", 1)[0] == health_path())
        if "WebSocket" in str(record.msg) and len(arguments) >= 2:
            client, path, *rest = arguments
            _describe(
                record, client=client, method="WEBSOCKET", path=path, status=rest[0] if rest else _handshake(record)
            )
        elif str(record.msg).startswith("Invalid UTF-8 sequence received"):
            _lower(record, logging.INFO)
        return True


def logging_config(level: str = "INFO") -> dict[str, Any]:
    """``LOGGING``: everything to standard output as JSON, uvicorn's own loggers included."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "django_fargate.logs.JsonFormatter"}},
        "filters": {
            "requests": {"()": "django_fargate.logs.RequestFilter"},
            "uvicorn": {"()": "django_fargate.logs.UvicornAccessFilter"},
        },
        "handlers": {
            "json": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
                "filters": ["requests"],
            },
            "uvicorn": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "formatter": "json",
                "filters": ["uvicorn"],
            },
        },
        "root": {"handlers": ["json"], "level": level},
        "loggers": {
            # Django gives these two handlers of their own; one is enough.
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            # Where each client found its credentials and its endpoint, at INFO.
            "botocore": {"level": "WARNING"},
            "uvicorn": {"handlers": ["uvicorn"], "level": level, "propagate": False},
            "uvicorn.access": {"handlers": ["uvicorn"], "level": level, "propagate": False},
            "uvicorn.error": {"handlers": ["uvicorn"], "level": level, "propagate": False},
        },
    }


def _describe(record: logging.LogRecord, *, client: Any, method: Any, path: Any, status: Any) -> None:
    path = masked_path(str(path))
    record.msg, record.args = "%s %s %s", (method, path, status)
    record.client = str(client).rsplit(":", 1)[0]
    record.method, record.path, record.status = method, path, status


def _handshake(record: logging.LogRecord) -> int:
    """The status of a handshake that uvicorn has no argument for."""
    return 403 if str(record.msg).endswith("403") else 101


def _lower(record: logging.LogRecord, level: int) -> None:
    """Makes a line of less weight, without its traceback."""
    record.levelno, record.levelname = level, logging.getLevelName(level)
    record.exc_info = record.exc_text = None


def _without_token(argument: object) -> object:
    return masked_path(argument) if isinstance(argument, str) and argument.startswith("/") else argument


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    found = {name: value for name, value in vars(record).items() if name not in _RECORD_ATTRIBUTES}
    # Django passes the request, or a socket, whose text has the query string.
    if "request" in found and not isinstance(found["request"], (str, int, float, bool, type(None))):
        del found["request"]
    # Celery passes a task with its arguments, which may be anybody's data.
    if record.name.startswith("celery.") and isinstance(found.get("data"), Mapping):
        data = found.pop("data")
        found.update({key: data[name] for key, name in (("task_id", "id"), ("task_name", "name")) if data.get(name)})
    return found


def _plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON can say it."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if depth < _DEPTH and isinstance(value, Mapping):
        return {_text(key): _plain(item, depth + 1) for key, item in value.items()}
    if depth < _DEPTH and isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, depth + 1) for item in value]
    return _text(value)


def _text(value: Any) -> str:
    try:
        return str(value)
    except Exception as error:  # a line without one value is better than no line
        return f"<{type(value).__name__} that cannot be written: {type(error).__name__}>"

"""Logs as one JSON object a line, which CloudWatch Logs Insights and metric filters read by field."""

from __future__ import annotations

import json
import logging
import re
from datetime import datetime, timezone
from typing import Any

from .health import health_path
from .masking import masked_path

_RECORD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """
    One JSON object a line: time, levelname, logger, message, exception, and what the call passed as ``extra``.

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
        line.update(_extra(record))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line, default=str, ensure_ascii=False)


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
    return {
        name: value
        for name, value in vars(record).items()
        if name not in _RECORD_ATTRIBUTES and isinstance(value, (str, int, float, bool, type(None)))
    }

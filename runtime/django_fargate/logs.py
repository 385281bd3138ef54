"""Logs as one JSON object a line, which CloudWatch Logs Insights and metric filters read by field."""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from typing import Any

from .health import health_path

_RECORD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """
    One JSON object a line: time, levelname, logger, message, exception, and what the call passed as ``extra``.

    Query strings in the access log of uvicorn are left out: they carry tokens.
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


class UvicornAccessFilter(logging.Filter):
    """
    Turns uvicorn's lines about requests and WebSockets into fields, without query strings.

    Drops health checks that passed.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args if isinstance(record.args, tuple) else ()
        if record.name == "uvicorn.access" and len(arguments) == 5:
            client, method, path, _, status = arguments
            _describe(record, client=client, method=method, path=path, status=status)
            return not (status == 200 and without_query(str(path)) == health_path())
        elif "WebSocket" in str(record.msg) and len(arguments) >= 2:
            client, path, *rest = arguments
            _describe(record, client=client, method="WEBSOCKET", path=path, status=rest[0] if rest else 101)
        return True


def logging_config(level: str = "INFO") -> dict[str, Any]:
    """``LOGGING``: everything to standard output as JSON, uvicorn's own loggers included."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "django_fargate.logs.JsonFormatter"}},
        "filters": {"uvicorn": {"()": "django_fargate.logs.UvicornAccessFilter"}},
        "handlers": {
            "json": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"},
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


def without_query(path: str) -> str:
    """A path as it may be logged."""
    return path.split("?", 1)[0]


def _describe(record: logging.LogRecord, *, client: Any, method: Any, path: Any, status: Any) -> None:
    record.msg, record.args = "%s %s %s", (method, without_query(str(path)), status)
    record.client = str(client).rsplit(":", 1)[0]
    record.method, record.path, record.status = method, without_query(str(path)), status


def _extra(record: logging.LogRecord) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(record).items()
        if name not in _RECORD_ATTRIBUTES and isinstance(value, (str, int, float, bool, type(None)))
    }

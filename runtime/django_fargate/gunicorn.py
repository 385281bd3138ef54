"""
gunicorn's side: JSON logs with the client's real address, and no Server header. In gunicorn.conf.py::

    from django_fargate.gunicorn import hide_server_header
    from django_fargate.threads import reserve_threads_for_health_checks

    hide_server_header()
    reserve_threads_for_health_checks()
    logger_class = "django_fargate.gunicorn.Logger"
"""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

from gunicorn import glogging
from gunicorn.http import wsgi

from . import versions
from .client import client_address, networks
from .health import health_path
from .logs import JsonFormatter, RequestFilter
from .masking import masked_path


class Logger(glogging.Logger):
    """Access and error log as JSON. Query strings, tokens in paths and health checks that passed are left out."""

    def setup(self, cfg: Any) -> None:
        if cfg.max_requests:
            reason = "earlier ones lose requests when they replace a worker after --max-requests"
            versions.require("gunicorn", versions.GUNICORN_WITH_MAX_REQUESTS, reason)
        super().setup(cfg)
        self.trusted = networks(cfg.forwarded_allow_ips)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(JsonFormatter())
                handler.addFilter(RequestFilter())

    def access(self, resp: Any, req: Any, environ: MutableMapping[str, Any], request_time: timedelta) -> None:
        path = environ.get("PATH_INFO", "")
        status = int(str(resp.status).split(None, 1)[0])
        if not self.access_log_enabled or (status == 200 and path == health_path()):
            return
        path, method = masked_path(path), environ.get("REQUEST_METHOD")
        self.access_log.info(
            "%s %s %s",
            method,
            path,
            status,
            extra={
                "client": client_address(
                    environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""), self.trusted
                ),
                "method": method,
                "path": path,
                "status": status,
                "bytes": getattr(resp, "sent", None),
                "milliseconds": round(request_time.total_seconds() * 1000, 1),
                "user_agent": environ.get("HTTP_USER_AGENT"),
                "trace": environ.get("HTTP_X_AMZN_TRACE_ID"),
            },
        )

    @property
    def access_log_enabled(self) -> bool:
        """gunicorn has this of its own since version 24."""
        return bool(self.cfg.accesslog)


def hide_server_header() -> None:
    """Stop gunicorn from naming itself in every response, for which it has no setting."""
    original = wsgi.Response.default_headers
    if getattr(original, "hides_server", False):
        return

    def default_headers(self: wsgi.Response) -> list[str]:
        return [line for line in original(self) if not line.lower().startswith("server:")]

    default_headers.hides_server = True  # type: ignore[attr-defined]
    wsgi.Response.default_headers = default_headers  # type: ignore[method-assign]

"""The database connections of a worker, kept between tasks."""

from __future__ import annotations

import sys
from typing import Any

from celery import signals
from django.conf import settings
from django.db import close_old_connections

#: Read by Celery's own fix-up for Django, which closes every connection before and after every task unless it is set:
#: a TLS handshake and a login for the smallest task. What it stands for there is left to CONN_MAX_AGE.
SETTINGS = {"CELERY_DB_REUSE_MAX": sys.maxsize}

_UID = "django_fargate.connections"


def install() -> None:
    """Treat a task as Django treats a request: connections that are too old or broken are closed, others are kept."""
    for signal in (signals.task_prerun, signals.task_postrun):
        signal.connect(_close_old, weak=False, dispatch_uid=_UID)


def _close_old(sender: Any = None, **_: Any) -> None:
    # An eager task runs inside the transaction of whoever calls it.
    if settings.configured and not getattr(sender.request, "is_eager", False):
        close_old_connections()

"""
uvicorn as a worker of gunicorn, by the same limits as ``uvicorn`` has on the command line of the constructs::

    gunicorn config.asgi:application --worker-class django_fargate.uvicorn.Worker

``AsgiServer.gunicorn()`` runs it. It needs the package ``uvicorn-worker``, which takes none of these from gunicorn.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from uvicorn_worker import UvicornWorker

from . import versions

#: Bytes of the largest WebSocket message, set by ``webSocketMaxSize`` through gunicorn's ``--env``.
WEB_SOCKET_MAX_SIZE = "DJANGO_FARGATE_WEB_SOCKET_MAX_SIZE"
DEFAULT_MAX_SIZE = 64 << 10


class Worker(UvicornWorker):
    """
    Bounds what a WebSocket takes of the memory, and names neither itself nor query strings.

    Its WebSockets are closed with 1012 when it is told to stop, and it ends before gunicorn would kill it.
    """

    CONFIG_KWARGS: dict[str, Any] = {
        **UvicornWorker.CONFIG_KWARGS,
        "ws_max_queue": 4,
        "ws_per_message_deflate": False,
        "server_header": False,
        "access_log": False,  # logging_config() sets the logger up again, with a filter
    }

    _beat: asyncio.Task[None] | None = None

    async def callback_notify(self) -> None:
        """
        Tell gunicorn that the process lives, also while it ends what is in work.

        uvicorn does so until it begins to shut down: gunicorn would kill a process that is to be replaced after so many
        requests while the last of them still run.
        """
        self.notify()
        if self._beat is None:
            self._beat = asyncio.create_task(self._keep_notifying())

    async def _keep_notifying(self) -> None:
        while True:
            await asyncio.sleep(1)
            self.notify()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        for package in ("gunicorn", "uvicorn", "uvicorn-worker"):
            versions.require(package)
        super().__init__(*args, **kwargs)
        self.config.ws_max_size = int(os.environ.get(WEB_SOCKET_MAX_SIZE, DEFAULT_MAX_SIZE))
        self.config.timeout_graceful_shutdown = max(1, self.cfg.graceful_timeout - 1)

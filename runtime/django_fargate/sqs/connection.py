"""The long polls of a worker: given the time that they need, and never the end of the worker."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pycurl
from kombu.asynchronous.aws.connection import AsyncHTTPSConnection
from kombu.asynchronous.aws.sqs.connection import AsyncSQSConnection

from .polls import ANSWER_MARGIN

#: Seconds to reach SQS.
CONNECT_TIMEOUT = 3.0


class HttpConnection(AsyncHTTPSConnection):
    """
    kombu's own, with its timeouts.

    kombu tells curl of none: a poll whose connection was lost without a word stays open for ever, and the worker waits
    for it for as long.
    """

    def getrequest(self) -> Any:
        request = super().getrequest()
        request.on_prepare = self._limit
        return request

    def _limit(self, curl: Any) -> None:
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, int(CONNECT_TIMEOUT * 1000))
        curl.setopt(pycurl.TIMEOUT_MS, int(self.timeout * 1000))


class Connection(AsyncSQSConnection):
    """
    kombu's own, but a poll ends some time after SQS should have answered, and no answer ends the worker.

    Never earlier: a message that SQS hands to a poll that nobody reads is hidden for the visibility timeout. kombu
    takes every status that it does not know for the end of the world: a single throttled poll (400) ends its worker.
    """

    def __init__(self, *args: Any, wait: float, refused: Callable[[str], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._wait = wait
        self._refused = refused

    def get_http_connection(self) -> HttpConnection:
        return HttpConnection(timeout=self._wait + ANSWER_MARGIN, http_client=self._httpclient)

    def _on_list_ready(self, parent: Any, markers: Any, operation: str, response: Any) -> dict[str, Any]:
        if response.status != self.STATUS_CODE_OK:
            self._refused(_reason(response))
            return {}
        try:
            return dict(super()._on_list_ready(parent, markers, operation, response))
        except Exception as error:  # what a proxy on the way sends in place of SQS
            self._refused(f"an answer that is not one of SQS: {error!r}")
            return {}


def _reason(response: Any) -> str:
    """Status and, where SQS names one, the code of the error; 599 is kombu's own for no answer at all."""
    body = response.read() or b""
    try:
        document = json.loads(body)
        code = str(document.get("__type", "")).rsplit("#", 1)[-1]
        text = f"{code}: {document.get('message', '')}"
    except (ValueError, AttributeError):
        text = str(response.reason or "")
    return f"{response.status} {text}".strip()

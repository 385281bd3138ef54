"""
SQS as far as Celery uses it, in this process, over HTTP: visibility, delays, receive counts, dead letters, long polls.

It can also be slow, away, refuse, or swallow what it is sent, and remembers every call.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: The largest message of SQS.
MOST_BYTES = 1024 * 1024


@dataclass
class Message:
    body: str
    visible_at: float
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    received: list[float] = field(default_factory=list)
    handle: str = ""
    sent: float = field(default_factory=time.monotonic)
    given_back: dict[int, tuple[float, int]] = field(default_factory=dict)
    """When a worker gave it back and for how many seconds it was hidden, by the number of the receive."""

    def payload(self) -> dict[str, Any]:
        """What kombu sent: headers, properties and body."""
        payload: dict[str, Any] = json.loads(base64.b64decode(self.body))
        return payload


@dataclass
class Queue:
    visibility: float = 30.0
    max_receives: int | None = None
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    deleted: list[Message] = field(default_factory=list)

    def everything(self) -> list[Message]:
        """All messages that were ever sent to it."""
        return [*self.messages, *self.dead, *self.deleted]

    def waiting(self) -> int:
        """How many messages the next polls would bring."""
        now = time.monotonic()
        return sum(message.visible_at <= now for message in list(self.messages))


@dataclass(frozen=True)
class Call:
    at: float
    action: str
    input: dict[str, Any]


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is what many tests are about."""


class Sqs:
    """The queues, and what happens to calls."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.queues: dict[str, Queue] = {}
        self.calls: list[Call] = []
        self.status: dict[str, tuple[int, str]] = {}  # by action: what it is refused with
        self.swallows = False
        self.closing = False
        self.server = Server(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def queue_url(self, name: str) -> str:
        return f"{self.url}/123456789012/{name}"

    def of(self, *actions: str) -> list[Call]:
        return [call for call in list(self.calls) if call.action in actions]

    def close(self) -> None:
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    @contextmanager
    def swallowing(self) -> Iterator[None]:
        """Takes what it is sent and answers nothing: what a lost route looks like."""
        self.swallows = True
        try:
            yield
        finally:
            with self.changed:
                self.swallows = False
                self.changed.notify_all()

    @contextmanager
    def refusing(self, action: str, status: int, code: str) -> Iterator[None]:
        self.status[action] = (status, code)
        try:
            yield
        finally:
            del self.status[action]

    def hasten(self, queue: str) -> None:
        """Shows every hidden message at once, as if the time had gone by."""
        with self.changed:
            for message in self.queues[queue].messages:
                message.visible_at = 0.0
            self.changed.notify_all()

    def answer(self, action: str, given: dict[str, Any]) -> dict[str, Any]:
        queue = self.queues[given["QueueUrl"].rsplit("/", 1)[-1]]
        answer: dict[str, Any] = getattr(self, f"_{action}")(queue, given)
        return answer

    def _GetQueueAttributes(self, queue: Queue, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Attributes": {"ApproximateNumberOfMessages": str(len(queue.messages))}}

    def _SendMessage(self, queue: Queue, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 (SQS's own name)
        with self.changed:
            message = Message(given["MessageBody"], time.monotonic() + given.get("DelaySeconds", 0))
            queue.messages.append(message)
            self.changed.notify_all()
        return {"MessageId": message.id, "MD5OfMessageBody": ""}

    def _ReceiveMessage(self, queue: Queue, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        deadline = time.monotonic() + given.get("WaitTimeSeconds", 0)
        with self.changed:
            while True:
                now = time.monotonic()
                taken: list[dict[str, Any]] = []
                for message in [one for one in queue.messages if one.visible_at <= now]:
                    if len(taken) < given.get("MaxNumberOfMessages", 1) and (one := self._receive(queue, message, now)):
                        taken.append(one)
                if taken or now >= deadline or self.closing:
                    return {"Messages": taken} if taken else {}
                due = min((one.visible_at for one in queue.messages), default=deadline)
                self.changed.wait(max(0.01, min(deadline, due) - now))

    def _receive(self, queue: Queue, message: Message, now: float) -> dict[str, Any] | None:
        if queue.max_receives is not None and len(message.received) >= queue.max_receives:
            queue.messages.remove(message)
            queue.dead.append(message)
            return None
        message.received.append(now)
        message.visible_at = now + queue.visibility
        message.handle = f"{message.id}.{len(message.received)}"
        return {
            "MessageId": message.id,
            "ReceiptHandle": message.handle,
            "Body": message.body,
            "Attributes": {"ApproximateReceiveCount": str(len(message.received))},
        }

    def _DeleteMessage(self, queue: Queue, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        with self.changed:
            queue.deleted += [one for one in queue.messages if one.handle == given["ReceiptHandle"]]
            queue.messages[:] = [one for one in queue.messages if one.handle != given["ReceiptHandle"]]
        return {}

    def _ChangeMessageVisibility(self, queue: Queue, given: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        with self.changed:
            for message in queue.messages:
                if message.handle == given["ReceiptHandle"]:
                    now = time.monotonic()
                    message.given_back[len(message.received)] = (now, given["VisibilityTimeout"])
                    message.visible_at = now + given["VisibilityTimeout"]
            self.changed.notify_all()
        return {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        sqs = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                given = json.loads(self.rfile.read(int(self.headers["content-length"])))
                action = self.headers["x-amz-target"].rsplit(".", 1)[-1]
                sqs.calls.append(Call(time.monotonic(), action, given))
                with sqs.changed:
                    if sqs.swallows:
                        sqs.changed.wait_for(lambda: not sqs.swallows or sqs.closing)
                        self.close_connection = True
                        return
                status, code = sqs.status.get(action, (200, ""))
                reason = ""
                if len(given.get("MessageBody", "")) >= MOST_BYTES:
                    status, code = 400, "InvalidParameterValue"
                    reason = f"One or more parameters are invalid. Message must be shorter than {MOST_BYTES} bytes."
                refusal = {"__type": f"com.amazonaws.sqs#{code}", "message": reason}
                answer = sqs.answer(action, given) if status == 200 else refusal
                body = json.dumps(answer).encode()
                with suppress(OSError):
                    self.send_response(status)
                    self.send_header("content-type", "application/x-amz-json-1.0")
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

"""
What is different from kombu's own channel, each for a fault that was measured:

- a failed poll is a warning, not the end of the worker, and the next one waits a second;
- a worker that stops waits for its open polls and gives back what they bring;
- a task that failed or was cut off comes back soon, not after the whole visibility timeout;
- a message that could not be deleted is deleted when SQS answers again;
- a countdown travels as DelaySeconds, and no worker holds what is due later than that;
- a process that was forked makes connections of its own.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Collection
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from celery.worker import state
from kombu.transport import SQS
from kombu.transport.virtual.base import queue_declare_ok_t

from .connection import Connection
from .delay import delay_seconds, seconds_until
from .polls import ANSWER_MARGIN, Polls
from .retries import OPTION, RETRY_DELAYS, QoS, received, retry_delay

logger = logging.getLogger(__name__)

#: As many deletions are remembered while SQS is away.
MOST_UNDELETED = 1000
#: Seconds that a worker holds a task until it is due: DelaySeconds are whole seconds, and clocks differ.
MOST_HELD = 10
#: Seconds for which SQS hides a message that was received: 12 hours, less some for the call.
MOST_HIDDEN = 12 * 3600 - 60
_FAILURES = (BotoCoreError, ClientError)


class Channel(SQS.Channel):
    """A channel for the predefined queues of a CeleryBroker."""

    QoS = QoS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.polls = Polls(self.wait_time_seconds)
        self.stopping = False
        self._connections: dict[str, Connection] = {}
        self._undeleted: list[tuple[str, str, str]] = []

    # Sending

    def queue_declare(self, queue: str = "", passive: bool = False, **kwargs: Any) -> Any:
        """A predefined queue exists. kombu asks SQS for its length at each connection, and uses it for nothing."""
        if self.canonical_queue_name(queue) in self.predefined_queues:
            return queue_declare_ok_t(queue, 0, 0)
        return super().queue_declare(queue, passive, **kwargs)

    def _put(self, queue: str, message: dict[str, Any], **kwargs: Any) -> None:
        properties = {
            **message.get("properties", {})
        }  # kombu takes things out, and would miss them when it tries again
        if not queue.endswith(".fifo") and not message.get("redelivered"):
            limit = self._option(queue, "longest_countdown")
            delay = delay_seconds(message.get("headers") or {}, queue, limit)
            if delay > 0:
                properties.setdefault("DelaySeconds", delay)
        super()._put(queue, {**message, "properties": properties}, **kwargs)

    # Polling

    def asynsqs(self, queue: str | None = None) -> Connection:
        name = str(queue)
        if name not in self._connections:
            self._connections[name] = Connection(
                sqs_connection=self.sqs(queue=queue),
                region=self.region,
                wait=self.wait_time_seconds,
                refused=lambda reason: self.polls.refused(name, reason),
            )
        return self._connections[name]

    def _loop1(self, queue: str, _: Any = None) -> None:
        pause = self.polls.pause(self.canonical_queue_name(queue))
        if self.stopping:
            return
        if pause > 0:
            self.hub.call_later(pause, self._schedule_queue, queue)
        else:
            super()._loop1(queue)

    def _schedule_queue(self, queue: str) -> None:
        if self.stopping:
            return
        if not self.qos.can_consume():
            self.polls.alive()
        super()._schedule_queue(queue)

    def _get_async(self, queue: str, count: int = 1, callback: Any = None) -> Any:
        self.polls.started()
        try:
            return super()._get_async(queue, count, callback=callback)
        except _FAILURES as error:  # no credentials to sign it with
            self.polls.returned()
            self.polls.refused(self.canonical_queue_name(queue), repr(error))
            self._loop1(queue)
            return None

    def _on_messages_ready(self, queue: str, qname: str, messages: Any) -> None:
        """Delivers what a poll of the queue `qname`, whose URL is `queue`, has brought."""
        self.polls.returned()
        if messages and self._undeleted:
            self._delete_undeleted()
        for message in (messages or {}).get("Messages") or ():
            deliver = self.connection._callbacks.get(qname) if self.connection else None
            if self.stopping or deliver is None:
                self._hide(qname, queue, message["ReceiptHandle"], 0)
                continue
            try:
                payload = self._message_to_python(message, qname, queue)
                wait = seconds_until((payload.get("headers") or {}).get("eta"))
                # A worker that held it until then would use up its visibility timeout: the task starts late where every
                # process is busy, and a second worker would start it while it still runs.
                if wait <= MOST_HELD or not self._hide(qname, queue, message["ReceiptHandle"], _most_hidden(wait)):
                    deliver(payload)
            except Exception:
                logger.exception("A message of %s cannot be read", qname, extra={"queue": qname})
                count = int((message.get("Attributes") or {}).get("ApproximateReceiveCount", 1))
                self._hide(qname, queue, message["ReceiptHandle"], self._retry_delay(qname, count))
                if message["ReceiptHandle"] in (self.qos._delivered or ()):  # else the worker would be full for ever
                    self.qos.ack(message["ReceiptHandle"])

    def basic_cancel(self, consumer_tag: str) -> None:
        super().basic_cancel(consumer_tag)
        if not self.stopping and _is_set(state.should_stop):
            self.stopping = True
            self._finish_polls()

    def _finish_polls(self) -> None:
        """
        Turn the event loop until no poll is open, at most as long as SQS holds one.

        Cutting a poll off does not take it back: SQS may hand a message to a connection that nobody reads any more.
        """
        self.turn_while(lambda: self.polls.open > 0, self.wait_time_seconds + ANSWER_MARGIN)
        self._delete_undeleted()

    def turn_while(self, condition: Callable[[], bool], seconds: float) -> None:
        """Turn the event loop of a worker that stops, for as long as a condition holds, and no longer than so long."""
        deadline = time.monotonic() + seconds
        loop = self.hub.create_loop() if self.hub else None
        while loop is not None and condition() and time.monotonic() < deadline:
            try:
                next(loop)
            except StopIteration:
                loop = self.hub.create_loop()
            except Exception:
                logger.exception("A callback failed while the worker stops")
                loop = self.hub.create_loop()

    def give_back_all_but(self, begun: Collection[str]) -> None:
        """Give back what was received and is not in work: at once, or when it is due."""
        self.qos._flush()
        for delivery_tag, message in tuple(self.qos._delivered.items()):
            if delivery_tag not in begun:
                self._restore(message)
                self.qos.ack(delivery_tag)

    # When a task has ended

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """
        Delete a message, or let go of it and delete it when SQS answers again.

        kombu keeps counting one that it could not delete as in work. With one process and no prefetching the worker is
        then full for ever: it is alive, its liveness file is fresh, and it asks for nothing any more.
        """
        message = self.qos._delivered.get(delivery_tag)
        self.qos.ack(delivery_tag)
        if message is not None:
            self.polls.alive()
            queue, url, handle = self._place(message)
            if not self._try_to_delete(queue, url, handle) and len(self._undeleted) < MOST_UNDELETED:
                self._undeleted.append((queue, url, handle))

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        self.qos.reject(delivery_tag, requeue=requeue)

    def give_back(self, delivery_tag: str, seconds: int) -> None:
        """Let go of a message; any worker gets it after so many seconds."""
        message = self.qos._delivered.get(delivery_tag)
        if message is not None:
            self.hide(message, seconds)
        self.qos.ack(delivery_tag)

    def retry_delay(self, message: Any) -> int:
        """Seconds until the next attempt at a message."""
        return self._retry_delay(self._place(message)[0], received(message))

    def hide(self, message: Any, seconds: int) -> None:
        """Keep a message from every worker for so many seconds; where that fails, for its visibility timeout."""
        self._hide(*self._place(message), seconds)

    def _restore(self, message: Any) -> None:
        """
        Give back what was cut off: at once, or when it is due.

        kombu waits for as long as a poll may be open, because its own polls could take the message. Ours have ended,
        unless somebody sent SIGQUIT without SIGTERM.
        """
        wait = self.wait_time_seconds if self.polls.open > 0 else 0
        self.hide(message, max(wait, math.ceil(seconds_until((message.headers or {}).get("eta")))))

    def _retry_delay(self, queue: str, receives: int) -> int:
        delays = self.transport_options.get(OPTION) or RETRY_DELAYS
        return retry_delay(receives, delays, self._option(queue, "max_receive_count"))

    def _place(self, message: Any) -> tuple[str, str, str]:
        info = message.delivery_info
        queue = self.canonical_queue_name(info["routing_key"]) if info.get("routing_key") else ""
        url = info.get("sqs_queue") or self._new_queue(queue)
        if self.predefined_queues.get(queue, {}).get("url") != url:  # a message of somebody else's says anything
            queue = next((name for name, q in self.predefined_queues.items() if q["url"] == url), queue)
        return queue, url, message.delivery_tag

    def _option(self, queue: str, name: str) -> int | None:
        value = self.predefined_queues.get(self.canonical_queue_name(queue), {}).get(name)
        return None if value is None else int(value)

    def _hide(self, queue: str, url: str, handle: str, seconds: int) -> bool:
        try:
            self.sqs(queue=queue).change_message_visibility(
                QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=seconds
            )
        except _FAILURES as error:
            logger.warning(
                "A message of %s was not given back, so it stays hidden for its visibility timeout: %s", queue, error
            )
            return False
        return True

    def _try_to_delete(self, queue: str, url: str, handle: str) -> bool:
        try:
            self.sqs(queue=queue).delete_message(QueueUrl=url, ReceiptHandle=handle)
        except BotoCoreError as error:
            logger.warning("A task of %s is done, but SQS did not delete its message: %s", queue, error)
            return False
        except ClientError as error:
            # SQS has answered: it is busy, or a receipt is out of date, or a permission is missing.
            logger.error("A task of %s is done, but SQS refuses to delete its message: %s", queue, error)
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
            return status < 500 and "Throttl" not in error.response.get("Error", {}).get("Code", "")
        return True

    def _delete_undeleted(self) -> None:
        while self._undeleted:
            place = self._undeleted[0]
            if not self._try_to_delete(*place):
                return
            self._undeleted.pop(0)


def _most_hidden(seconds: float) -> int:
    return min(math.ceil(seconds), MOST_HIDDEN)


def _is_set(flag: Any) -> bool:
    """Celery's flags are exit codes: 0 is set."""
    return flag is not None and flag is not False


def forget_clients() -> None:
    """
    Let a forked process make connections of its own.

    Before 5.7 kombu keeps its clients in the class. A child that used those of the worker would write into the same
    TLS connection.
    """
    for name in ("_predefined_queue_clients", "_predefined_queue_async_clients"):
        clients = getattr(SQS.Channel, name, None)
        if isinstance(clients, dict):
            clients.clear()


os.register_at_fork(after_in_child=forget_clients)

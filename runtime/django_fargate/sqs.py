"""kombu's transport for SQS, with a worker that goes on when SQS was away at the moment a task was done."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError
from kombu.transport import SQS


class Channel(SQS.Channel):
    """
    A channel that lets go of a message that it could not delete.

    kombu keeps counting it as in work. With one process and no prefetching the worker is then full for ever: it is
    alive, its liveness file is fresh, and it asks for nothing any more. SQS delivers the message again after the
    visibility timeout.
    """

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        try:
            super().basic_ack(delivery_tag, multiple)
        except BotoCoreError:
            self.basic_reject(delivery_tag, requeue=False)
            raise


class Transport(SQS.Transport):
    Channel = Channel

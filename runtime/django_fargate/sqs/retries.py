"""When a task that failed comes back."""

from __future__ import annotations

from typing import Any

from kombu.transport import SQS

#: Seconds after the first, second, third … failed attempt; the last one is for all further ones. The third attempt
#: begins 135 seconds after the first: even a queue of three attempts outlives the fail-over of a database (120 s).
RETRY_DELAYS = (15, 120, 900)
#: The transport option that has other ones.
OPTION = "retry_delays"


class QoS(SQS.QoS):
    """
    Gives a message back for a later attempt, instead of leaving it hidden for the whole visibility timeout.

    kombu has a `backoff_policy`, but its keys are integers, which JSON does not have, and it needs the name of every
    task.
    """

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        message = self._delivered.get(delivery_tag)
        if message is not None:
            self.channel.hide(message, self.channel.retry_delay(message))
        self.ack(delivery_tag)


def received(message: Any) -> int:
    """How often SQS has handed a message out; 1 where it does not say."""
    attributes = message.delivery_info.get("sqs_message", {}).get("Attributes") or {}
    return int(attributes.get("ApproximateReceiveCount", 1))


def retry_delay(receives: int, delays: Any = RETRY_DELAYS, most: int | None = None) -> int:
    """
    Seconds until the next attempt, after a message was received so many times.

    None after the last of `most` attempts: SQS moves the message to the dead-letter queue when it is asked again.
    """
    if most is not None and receives >= most:
        return 0
    return int(delays[min(max(receives, 1), len(delays)) - 1])

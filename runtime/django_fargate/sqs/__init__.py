"""
kombu's transport for SQS, with what keeps a worker going and a task from being late.

`django_fargate.celery.setup()` puts it in the place of kombu's own. `channel` says what is different.
"""

from __future__ import annotations

from kombu.transport import SQS

from .channel import Channel

__all__ = ["Channel", "Transport"]


class Transport(SQS.Transport):
    """kombu's own, with our channel."""

    Channel = Channel

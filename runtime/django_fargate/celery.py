"""Celery on SQS: settings that lose no task, and a liveness file for worker and beat."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from celery import bootsteps, signals
from kombu import Queue
from kombu.transport import TRANSPORT_ALIASES

from . import connections, protection, shutdown, versions
from .environment import required, required_json
from .liveness import LivenessFile

if TYPE_CHECKING:
    from celery import Celery

#: Seconds between two touches of a worker's file. The container's health check tolerates several that are late.
LIVENESS_INTERVAL = 10.0
#: Seconds that beat may sleep between two ticks; Celery's own 300 would look dead.
BEAT_MAX_LOOP_INTERVAL = 20.0

#: How long SQS may take. botocore's own 60 seconds, several times, hang a request that posts a task, and keep a worker
#: from its liveness file until ECS replaces it. Two attempts, because a connection that was kept may have been closed;
#: both together, with a second between them, are shorter than 10 seconds.
CLIENT_CONFIG: Mapping[str, Any] = {
    "connect_timeout": 2,
    "read_timeout": 4,
    "retries": {"mode": "standard", "total_max_attempts": 2},
}

_UID = "django_fargate.celery"


def setup(app: Celery) -> None:
    """
    Make a Celery application fit for SQS and for the constructs' workers and beat.

    The settings are defaults, read when Celery first needs them: the project's own CELERY_* settings win, and an image
    can be built where there is no broker. Logging stays what Django's LOGGING says, where that says anything of it.
    """
    versions.require("celery")
    versions.require("kombu")
    TRANSPORT_ALIASES["sqs"] = "django_fargate.sqs:Transport"
    app.add_defaults(partial(_insert_below_project_settings, app))
    app.steps["worker"].add(LivenessProbe)
    shutdown.install()
    protection.install(app)
    connections.install()
    signals.beat_init.connect(_watch_beat, weak=False, dispatch_uid=_UID)
    signals.setup_logging.connect(_set_up_logging, weak=False, dispatch_uid=_UID)


def celery_settings() -> dict[str, Any]:
    """Celery's settings for the queues of a CeleryBroker, from CELERY_BROKER_*."""
    transport_options = {"client-config": CLIENT_CONFIG, **required_json("CELERY_BROKER_TRANSPORT_OPTIONS")}
    default_queue = required("CELERY_TASK_DEFAULT_QUEUE")
    queues = dict.fromkeys([default_queue, *transport_options.get("predefined_queues", {})])
    return {
        "broker_url": required("CELERY_BROKER_URL"),
        "broker_transport_options": transport_options,
        # Keep looking for the broker: an outage of SQS must not end a worker.
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "task_default_queue": default_queue,
        # Exactly the queues of the broker: a misspelt one fails where the task is sent.
        "task_queues": [Queue(name, routing_key=name) for name in queues],
        "task_create_missing_queues": False,
        # botocore tries again by itself; Celery would multiply its timeouts.
        "task_publish_retry_policy": {"max_retries": 0},
        "worker_consumer": "django_fargate.consumer:Consumer",
        # A task is deleted from its queue when it has succeeded, not before. One that fails, times out or loses its
        # process is delivered again later (sqs/retries.py). SQS counts the deliveries, and moves the message to the
        # dead-letter queue after maxReceiveCount.
        "task_acks_late": True,
        "task_acks_on_failure_or_timeout": False,
        "task_reject_on_worker_lost": True,
        # What a worker holds back, no other worker can do.
        "worker_prefetch_multiplier": 1,
        # SQS has no broadcast.
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "task_send_sent_event": False,
        "beat_max_loop_interval": BEAT_MAX_LOOP_INTERVAL,
        # Standard output is the log already; redirecting it would hide where a line came from.
        "worker_redirect_stdouts": False,
    }


class LivenessProbe(bootsteps.StartStopStep):
    """Touches CELERY_LIVENESS_FILE from the worker's own event loop, for as long as that turns and polls."""

    requires = ("celery.worker.components:Timer",)

    def __init__(self, worker: Any, **options: Any) -> None:
        super().__init__(worker, **options)
        self.file = LivenessFile()
        self.file.delete()
        self.timer_entry: Any = None

    def start(self, worker: Any) -> None:
        self.file.touch()
        self.timer_entry = worker.timer.call_repeatedly(LIVENESS_INTERVAL, self.touch, (worker,), priority=10)

    def touch(self, worker: Any) -> None:
        """Touch the file, unless the worker has stopped asking SQS for messages."""
        consumer = getattr(getattr(worker, "consumer", None), "task_consumer", None)
        polls = getattr(getattr(consumer, "channel", None), "polls", None)
        if polls is None or not polls.have_stopped():
            self.file.touch()

    def stop(self, worker: Any) -> None:
        if self.timer_entry is not None:
            self.timer_entry.cancel()
            self.timer_entry = None
        self.file.delete()

    def terminate(self, worker: Any) -> None:
        self.stop(worker)


def _insert_below_project_settings(app: Celery) -> dict[str, Any]:
    """
    Insert our settings between the project's and Celery's own defaults.

    The settings that `add_defaults()` takes would override the project's CELERY_* settings, so it gets none from us.
    """
    maps = cast("list[Mapping[str, Any]]", app.conf.maps)
    maps.insert(-1, {**celery_settings(), **connections.SETTINGS})
    return {}


def _watch_beat(sender: Any, **_: Any) -> None:
    """Touch the file at each tick, whichever scheduler beat uses."""
    file = LivenessFile()
    file.delete()
    scheduler = sender.scheduler
    scheduler.tick = _touching(file, scheduler.tick)
    scheduler.close = _deleting(file, scheduler.close)


def _touching(file: LivenessFile, tick: Callable[..., Any]) -> Callable[..., Any]:
    def touching(*args: Any, **kwargs: Any) -> Any:
        interval = tick(*args, **kwargs)
        file.touch()
        return interval

    return touching


def _deleting(file: LivenessFile, close: Callable[[], None]) -> Callable[[], None]:
    def deleting() -> None:
        try:
            close()
        finally:
            file.delete()

    return deleting


def _set_up_logging(*, loglevel: int, format: str, **_: Any) -> None:
    """
    Leave logging to Django's LOGGING where that has a handler for Celery's messages; else add one to the root.

    Celery skips its own logging setup when any receiver is connected, and keeps a handler that drops everything:
    without another one nobody would learn why a worker ends, or a task fails.
    """
    logger: logging.Logger | None = logging.getLogger("celery")
    while logger is not None:
        if any(not isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            return
        logger = logger.parent if logger.propagate else None
    logging.basicConfig(level=loglevel, format=format)

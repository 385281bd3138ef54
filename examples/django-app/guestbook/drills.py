"""The tasks that staff may start by hand, to see how workers, queues and alarms behave on a bad day."""

from celery import Task

from . import tasks

DRILLS: dict[str, Task] = {
    "ping": tasks.express_ping,
    "slow": tasks.slow,
    "express-slow": tasks.express_slow,
    "poison": tasks.express_poison,
    "kill": tasks.express_kill,
}

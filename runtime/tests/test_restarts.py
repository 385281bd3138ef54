"""
How many tasks are lost, late or done twice while workers are replaced: `npm run restarts`.

The times towards SQS are those of the constructs: polls of 20 seconds, a visibility timeout of 30 minutes.
"""

import base64
import json
import sys
import time

import pytest

from django_fargate.sqs.channel import forget_clients
from restarts import CUT_OFF, HIDDEN, LATEST, UNREAD, Figures, Plan, Restarts, count
from sqs_double import Message, Queue
from workers import lab

BUSY = Plan(tasks=1000, restarts=3, interval=0.01, workers=2, stop_timeout=60, outliving=1)
SPARSE = Plan(tasks=110, restarts=5, interval=0.7, workers=1, stop_timeout=120)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # kombu's own use of pycurl
@pytest.mark.parametrize("plan", [BUSY, SPARSE], ids=["busy", "sparse"])
def test_no_task_is_lost_or_late_over_rolling_restarts(plan, tmp_path, monkeypatch):
    forget_clients()
    with lab(tmp_path, {"wait_time_seconds": 20}, default=Queue(visibility=1800, max_receives=5)) as one:
        for name, value in one.environment.items():
            monkeypatch.setenv(name, value)
        figures = Restarts(one, plan).run()
    sys.stdout.write(f"figures: {figures}\n")
    assert (figures.lost, figures.late, figures.killed) == (0, 0, 0), figures.of_late
    assert len(figures.stops) == plan.restarts * plan.workers
    # A task that is cut off starts a second time; nothing else does, and none is done twice.
    assert figures.again[CUT_OFF] == plan.restarts * plan.outliving
    assert figures.resumed <= 30
    assert set(figures.again) <= {CUT_OFF, UNREAD}
    assert figures.done_twice == 0


def posted(label, *received, given_back=None):
    """A message of a task as the double of SQS keeps it, posted at the second 0."""
    body = base64.b64encode(json.dumps([[label], {}, {}]).encode()).decode()
    payload = base64.b64encode(json.dumps({"body": body}).encode()).decode()
    return Message(payload, 0.0, received=list(received), sent=0.0, given_back=given_back or {})


def test_what_is_counted_is_what_happened(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    messages = [
        posted("good", 1.0),
        posted("lost", 1.0),
        posted("late", LATEST + 5),
        posted("unread", 1.0, 1.5, given_back={1: (1.2, 0)}),
        posted("cut", 1.0, 101.0, given_back={1: (100.0, 0)}),
        posted("killed", 1.0, 1801.0),
        posted("failed", 1.0, 16.0, given_back={1: (1.0, 15)}),
    ]
    done = {"good": [2.0], "late": [LATEST + 6], "unread": [2.0], "cut": [103.0], "failed": [17.0]}
    notes = {
        **{("done", label): times for label, times in done.items()},
        ("start", "cut"): [1.0, 102.0],
        ("start", "killed"): [1.0, 1801.0],
        ("done", "killed"): [2.0, 1802.0],
    }
    figures = Figures()
    count(figures, ["good", "lost", "late", "unread", "cut", "killed", "failed"], messages, notes)
    assert (figures.posted, figures.done, figures.lost) == (7, 6, 1)
    assert figures.late == 2  # the lost one, too
    assert [text.split(":")[0] for text in figures.of_late] == ["lost", "late"]
    assert figures.again == {UNREAD: 1, CUT_OFF: 1, HIDDEN: 1, "failed, and hidden for 15 s": 1}
    assert figures.resumed == 2.0
    assert figures.done_twice == 1

"""What a worker keeps between tasks is closed when none come. `test_idle.py` has the same with a real worker."""

import threading
import time

import pytest

from django_fargate import connections


class Kept:
    """A connection of another thread."""

    def __init__(self, problem=None):
        self.problem, self.shared, self.closed_shared = problem, 0, []

    def inc_thread_sharing(self):
        self.shared += 1

    def dec_thread_sharing(self):
        self.shared -= 1

    def close(self):
        self.closed_shared.append(self.shared)
        if self.problem is not None:
            raise self.problem


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(connections, "IDLE", 0.3)


def after(seconds, kept):
    time.sleep(seconds)
    return kept.closed_shared


def test_a_connection_is_closed_after_the_last_task_and_from_another_thread():
    idle, kept = connections._Idle(), Kept()
    for _ in range(3):
        idle.begin()
        idle.end([kept])
        assert after(0.15, kept) == []
    assert after(0.6, kept) == [1]
    assert kept.shared == 0
    idle.begin()
    idle.end([kept])
    assert after(0.7, kept) == [1, 1]


def test_nothing_is_closed_while_a_task_runs():
    idle, kept = connections._Idle(), Kept()
    idle.begin()
    idle.begin()
    idle.end([kept])
    assert after(0.7, kept) == []
    idle.end([kept])
    assert after(0.7, kept) == [1]


def test_a_connection_that_cannot_be_closed_keeps_no_other_one_open(caplog):
    idle, broken, sound = connections._Idle(), Kept(OSError("canary")), Kept()
    idle.begin()
    idle.end([broken, sound])
    assert after(0.7, sound) == [1]
    assert "could not be closed" in caplog.text
    assert broken.shared == 0


def test_a_process_has_one_thread_for_it():
    def threads():
        return [thread.name for thread in threading.enumerate()].count("django_fargate.connections")

    idle, before = connections._Idle(), threads()
    for _ in range(5):
        idle.begin()
        idle.end([])
    assert threads() == before + 1

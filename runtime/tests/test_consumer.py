"""What a worker does with what it cannot do, and shortly before its end."""

import signal
from types import SimpleNamespace
from typing import Any

import pytest
from celery import bootsteps, signals
from celery.worker import consumer as celery_consumer
from celery.worker import state

from django_fargate import connections, shutdown
from django_fargate.consumer import MOST_UNKNOWN, UNKNOWN_TASK_DELAY, Consumer


@pytest.fixture
def consumer():
    made: Any = Consumer.__new__(Consumer)  # a whole one connects
    made._unknown = {}
    made.connection_errors = ()
    return made


class Message:
    """A message as far as a consumer looks at it."""

    def __init__(self, channel=None, **headers):
        self.headers, self.channel, self.delivery_tag, self.rejected = headers, channel, "tag", False

    def reject_log_error(self, *_):
        self.rejected = True


def test_an_unknown_task_is_given_back_and_logged_once(consumer, caplog):
    given, told = [], []
    channel = SimpleNamespace(give_back=lambda tag, seconds: given.append((tag, seconds)))
    receiver = lambda **arguments: told.append(arguments["name"])  # noqa: E731
    signals.task_unknown.connect(receiver)
    for _ in range(3):
        consumer.on_unknown_task(None, Message(channel, id="7", task="shop.new"), KeyError("shop.new"))
    signals.task_unknown.disconnect(receiver)
    assert given == [("tag", UNKNOWN_TASK_DELAY)] * 3
    assert UNKNOWN_TASK_DELAY < 60
    assert told == ["shop.new"] * 3
    [line] = caplog.records
    assert (line.levelname, line.task_id, line.task_name) == ("ERROR", "7", "shop.new")


def test_only_so_many_unknown_tasks_are_remembered(consumer):
    channel = SimpleNamespace(give_back=lambda *_: None)
    for number in range(MOST_UNKNOWN + 5):
        consumer.on_unknown_task(None, Message(channel, id=str(number), task="shop.new"), KeyError())
    assert len(consumer._unknown) == MOST_UNKNOWN


def test_another_transport_or_protocol_is_left_to_celery(consumer, monkeypatch):
    left = []
    monkeypatch.setattr(celery_consumer.Consumer, "on_unknown_task", lambda _, body, message, exc: left.append(message))
    consumer.on_unknown_task(None, Message(id="7", task="shop.new"), KeyError())
    consumer.on_unknown_task(None, Message(SimpleNamespace(give_back=None)), KeyError())
    assert len(left) == 2


def test_a_message_that_cannot_be_decoded_is_rejected_not_acknowledged(consumer, caplog):
    message = Message()
    consumer.on_decode_error(message, ValueError("no JSON"))
    assert message.rejected
    assert "no JSON" in caplog.text


def test_acknowledgements_wait_for_the_loop_only_while_it_turns(consumer):
    done: list[int] = []
    later: list[Any] = []
    consumer.hub = SimpleNamespace(call_soon=later.append)
    consumer.blueprint = SimpleNamespace(state=bootsteps.RUN)  # type: ignore[attr-defined]
    consumer.call_soon(done.append, 1)
    assert (done, len(later)) == ([], 1)
    consumer.blueprint.state = bootsteps.CLOSE  # type: ignore[attr-defined]
    consumer.call_soon(done.append, 2)
    assert (done, len(later)) == ([2], 1)


@pytest.mark.parametrize(("stop_timeout", "seconds"), [(120, 105), (60, 45), (30, 22.5), (4, 3)])
def test_a_worker_cuts_off_in_time_to_give_back(stop_timeout, seconds):
    assert shutdown.seconds_before_cut(stop_timeout) == seconds


def test_sigquit_follows_a_warm_shutdown_where_the_contract_says_when(monkeypatch):
    started = []

    class Timer:
        def __init__(self, seconds, function, arguments):
            started.append((seconds, arguments[1]))

        daemon = False

        def start(self):
            assert self.daemon

    monkeypatch.setattr(shutdown.threading, "Timer", Timer)  # type: ignore[attr-defined]
    monkeypatch.delenv(shutdown.VARIABLE, raising=False)
    shutdown._cut_off_later(how="Warm")
    monkeypatch.setenv(shutdown.VARIABLE, "120")
    shutdown._cut_off_later(how="Cold")
    assert started == []
    shutdown._cut_off_later(how="Warm")
    assert started == [(105, signal.SIGQUIT)]


def test_connections_are_treated_as_between_requests_but_not_inside_somebody_s_transaction(monkeypatch):
    closed = []
    monkeypatch.setattr(connections, "close_old_connections", lambda: closed.append(1))
    monkeypatch.setattr(connections, "_idle", SimpleNamespace(begin=lambda: None, end=lambda kept: None))
    for receiver in (connections._begin, connections._end):
        closed.clear()
        receiver(sender=SimpleNamespace(request=SimpleNamespace(is_eager=True)))
        assert closed == []
        receiver(sender=SimpleNamespace(request=SimpleNamespace(is_eager=False)))
        assert closed == [1]


class Channel:
    """A channel that stops, as far as a consumer looks at it."""

    def __init__(self, stopping=True):
        self.stopping, self.given_back, self.begun = stopping, False, set()

    def turn_while(self, condition, seconds):
        self.turned = condition()

    def give_back_all_but(self, begun):
        self.given_back, self.begun = True, begun


def requested(tag, job=None):
    return SimpleNamespace(message=SimpleNamespace(delivery_tag=tag), _apply_result=(lambda: job) if job else None)


def job(**attributes):
    made = SimpleNamespace(_write_to=None, _accepted=False, discarded=False)
    made.discard = lambda: setattr(made, "discarded", True)
    made.__dict__.update(attributes)
    return made


def test_a_worker_that_stops_gives_back_what_no_process_has_begun(consumer, monkeypatch):
    unwritten, mislaid = job(), job()
    pool = SimpleNamespace(outbound_buffer=[unwritten], _active_writers=set())
    begun = [requested("written", job(_write_to=1)), requested("accepted", job(_accepted=True))]
    others = [requested("thread", SimpleNamespace()), requested("unwritten", unwritten), requested("mislaid", mislaid)]
    monkeypatch.setattr(state, "active_requests", [requested("active")])
    monkeypatch.setattr(state, "reserved_requests", [*begun, *others, requested("waits for a process")])
    monkeypatch.setattr(celery_consumer.Consumer, "stop", lambda _: None)
    consumer.task_consumer = SimpleNamespace(channel=Channel())
    consumer.pool = SimpleNamespace(_pool=pool)
    consumer.hub = SimpleNamespace(_ready={"an acknowledgement"})
    consumer.stop()
    assert consumer.task_consumer.channel.turned
    assert consumer.task_consumer.channel.begun == {"active", "written", "accepted", "thread"}
    assert (unwritten.discarded, mislaid.discarded, pool.outbound_buffer) == (True, True, [])


def test_a_consumer_whose_worker_goes_on_gives_nothing_back(consumer, monkeypatch):
    monkeypatch.setattr(celery_consumer.Consumer, "stop", lambda _: None)
    consumer.task_consumer = SimpleNamespace(channel=Channel(stopping=False))
    consumer.stop()
    assert not consumer.task_consumer.channel.given_back
    consumer.task_consumer = None
    consumer.stop()

"""
What becomes of a task, with real workers: each row of the table in docs/celery.md.

A message that nobody gives back is hidden for an hour here, so that nothing passes because a visibility timeout was
short. Every test waits for a condition; none measures how fast the machine is.
"""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from celery import chord, signature
from kombu.exceptions import OperationalError
from kombu.transport.SQS import UndefinedQueueException

from django_fargate.consumer import UNKNOWN_TASK_DELAY
from django_fargate.sqs import delay
from django_fargate.sqs.channel import forget_clients
from sqs_double import Queue
from workers import application, lab, wait_until

pytestmark = [
    pytest.mark.slow,
    # kombu's own use of pycurl, and what the last test of a process leaves to the garbage collector.
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning"),
]
HOUR = 3600.0


@pytest.fixture
def shop(tmp_path, monkeypatch):
    with ExitStack() as stack:

        def make(options=None, **queues):
            forget_clients()
            made = stack.enter_context(lab(tmp_path, options, **(queues or {"default": Queue(visibility=HOUR)})))
            for name, value in made.environment.items():
                monkeypatch.setenv(name, value)
            return made

        yield make


def receives(one, label):
    """When SQS has handed out the message of a task."""
    for queue in one.sqs.queues.values():
        for message in [*queue.messages, *queue.dead]:
            if json.loads(base64.b64decode(message.payload()["body"]))[0][:1] == [label]:
                return message.received
    return []


def empty(one):
    return not any(queue.messages for queue in one.sqs.queues.values())


def test_a_task_that_succeeds_is_done_once_and_deleted(shop):
    one = shop()
    one.worker()
    one.post("nap", "a")
    wait_until(lambda: empty(one))
    assert len(one.notes("start", "a")) == 1


def test_a_task_that_fails_comes_back_later_each_time_and_ends_in_the_dead_letter_queue(shop):
    one = shop({"retry_delays": [1, 3, 5]}, default=Queue(visibility=HOUR, max_receives=4))
    one.worker()
    one.post("fail", "a")
    wait_until(lambda: one.sqs.queues["default"].dead)
    times = receives(one, "a")
    assert len(times) == len(one.notes("start", "a")) == 4
    assert [call.input["VisibilityTimeout"] for call in one.sqs.of("ChangeMessageVisibility")] == [1, 3, 5, 0]
    assert [later - earlier >= delay for earlier, later, delay in zip(times, times[1:], [1, 3, 5], strict=False)] == [
        True
    ] * 3


def test_a_failing_task_waits_as_documented_and_is_dead_after_its_last_attempt(shop):
    one = shop(default=Queue(visibility=HOUR, max_receives=5))
    one.worker()
    one.post("fail", "a")
    for attempt in range(1, 6):
        wait_until(lambda: len(one.sqs.of("ChangeMessageVisibility")) == attempt)  # noqa: B023
        one.sqs.hasten("default")
    wait_until(lambda: one.sqs.queues["default"].dead)
    assert [call.input["VisibilityTimeout"] for call in one.sqs.of("ChangeMessageVisibility")] == [15, 120, 900, 900, 0]
    assert len(one.notes("start", "a")) == 5


@pytest.mark.parametrize("limits", [("--time-limit", "1"), ("--soft-time-limit", "1")])
def test_a_task_that_exceeds_its_limit_is_tried_again(shop, limits):
    one = shop({"retry_delays": [1]}, default=Queue(visibility=HOUR, max_receives=2))
    one.worker(*limits)
    one.post("nap", "long", 30)
    wait_until(lambda: one.sqs.queues["default"].dead)
    assert len(one.notes("start", "long")) == 2


def test_a_task_whose_process_is_killed_is_tried_again(shop):
    one = shop({"retry_delays": [1]}, default=Queue(visibility=HOUR, max_receives=2))
    one.worker()
    one.post("die", "oom")
    wait_until(lambda: one.sqs.queues["default"].dead)
    assert len({process for _, process in one.notes("start", "oom")}) == 2


def test_a_worker_that_is_killed_leaves_its_task_hidden_for_the_visibility_timeout(shop):
    one = shop(default=Queue(visibility=4.0))
    first = one.worker()
    one.post("nap", "a", 60)
    wait_until(lambda: one.notes("start", "a"))
    one.worker()
    os.killpg(first.process.pid, signal.SIGKILL)
    wait_until(lambda: len(one.notes("start", "a")) == 2)
    earlier, later = receives(one, "a")[:2]
    assert later - earlier >= 4.0


def test_a_memory_error_ends_the_worker_and_its_task_stays_hidden(shop):
    one = shop(default=Queue(visibility=4.0))
    worker = one.worker()
    one.post("exhaust", "a")
    assert worker.process.wait(60) == 1
    one.worker()
    wait_until(lambda: len(receives(one, "a")) >= 2)


def test_a_second_delivery_is_done_a_second_time(shop):
    one = shop()
    one.worker()
    sent = one.post("nap", "a")
    wait_until(lambda: empty(one))
    [posted] = one.sqs.of("SendMessage")
    one.sqs.answer("SendMessage", posted.input)
    wait_until(lambda: len(one.notes("done", "a")) == 2)
    assert sent.id in posted.input["MessageBody"] or sent.id in base64.b64decode(posted.input["MessageBody"]).decode()


def test_a_countdown_waits_in_sqs_and_no_restart_counts_as_an_attempt(shop):
    one = shop()
    first = one.worker()
    one.post("nap", "a", countdown=8)
    [sent] = one.sqs.of("SendMessage")
    assert 1 <= sent.input["DelaySeconds"] <= 8
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(60) == 0
    one.worker()
    wait_until(lambda: one.notes("done", "a"))
    wait_until(lambda: empty(one))
    assert len(one.notes("start", "a")) == 1
    assert len(one.sqs.of("ChangeMessageVisibility")) == 0


def test_a_longer_countdown_is_hidden_until_it_is_due_and_no_worker_holds_it(shop, monkeypatch):
    monkeypatch.setattr(delay, "MOST_DELAY", 2)
    one = shop()
    first = one.worker(MOST_HELD="1")
    due = time.monotonic() + 12
    one.post("nap", "a", countdown=12)
    assert [call.input["DelaySeconds"] for call in one.sqs.of("SendMessage")] == [2]
    wait_until(lambda: one.sqs.of("ChangeMessageVisibility"))
    first.process.send_signal(signal.SIGTERM)
    assert first.process.wait(60) == 0
    one.worker(MOST_HELD="1")
    wait_until(lambda: empty(one))
    [(started, _)] = one.notes("start", "a")
    assert started >= due - 1
    [given_back] = one.sqs.of("ChangeMessageVisibility")
    assert 1 < given_back.input["VisibilityTimeout"] <= 10
    [message] = one.sqs.queues["default"].deleted
    assert len(message.received) == 2


def test_a_countdown_that_is_too_long_is_refused_where_it_is_sent(shop):
    one = shop()
    queues = json.loads(one.environment["CELERY_BROKER_TRANSPORT_OPTIONS"])
    queues["predefined_queues"]["default"]["longest_countdown"] = 1200
    os.environ["CELERY_BROKER_TRANSPORT_OPTIONS"] = json.dumps(queues)  # the fixture takes it back
    one.post("nap", "a", countdown=1190)
    with pytest.raises(delay.CountdownTooLongError, match="may wait for 1200 seconds at most"):
        one.post("nap", "a", countdown=1210)
    assert len(one.sqs.of("SendMessage")) == 1


def test_remote_control_has_no_effect(shop):
    one = shop()
    worker = one.worker()
    sent = one.post("nap", "a", countdown=5)
    app = application(one.environment)
    app.control.revoke(sent.id, terminate=True)
    for asks in (app.control.inspect(timeout=1).active, app.control.ping):
        with pytest.raises(UndefinedQueueException, match=r"pidbox' must be defined"):
            asks()
    wait_until(lambda: one.notes("done", "a"))
    assert worker.process.poll() is None


def test_retry_with_a_countdown_is_a_new_message_each_time(shop):
    one = shop()
    one.worker()
    one.post("again", "a")
    wait_until(lambda: one.notes("done", "a"))
    wait_until(lambda: empty(one))
    assert len(one.notes("start", "a")) == 3
    assert len(one.sqs.of("SendMessage")) == 3


def test_a_chord_works_with_a_result_backend(shop, tmp_path):
    one = shop()
    (tmp_path / "results").mkdir()
    backend = {"RESULTS": f"file://{tmp_path}/results"}
    one.worker(**backend)
    app = application(one.environment)
    app.conf.update(result_backend=backend["RESULTS"])
    parts = [signature("nap", (label,), app=app) for label in ("a", "b")]
    chord(parts, app=app)(signature("collect", kwargs={"label": "both"}, app=app))
    wait_until(lambda: one.notes("done", "both"))
    assert one.notes("done", "a")
    assert one.notes("done", "b")


def test_a_chord_without_a_result_backend_is_refused_where_it_is_sent(shop):
    one = shop()
    app = application(one.environment)
    parts = [signature("nap", (label,), app=app) for label in ("a", "b")]
    with pytest.raises(NotImplementedError, match="result backend"):
        chord(parts, app=app)(signature("collect", kwargs={"label": "both"}, app=app))
    assert one.sqs.of("SendMessage") == []


def test_a_task_of_a_newer_version_is_given_back_within_a_minute_logged_once_and_done_by_a_newer_worker(shop):
    one = shop()
    old = one.worker()
    one.post("new", "a")
    for receive in range(1, 4):
        wait_until(lambda: len(one.sqs.of("ChangeMessageVisibility")) == receive)  # noqa: B023
        one.sqs.hasten("default")
    wait_until(lambda: len(one.sqs.of("ChangeMessageVisibility")) == 4)
    newer = one.worker(newer=True)  # beside the old one, which goes on asking, as in a roll-out
    while not one.notes("done", "a"):
        one.sqs.hasten("default")
        time.sleep(0.1)
    wait_until(lambda: empty(one))
    assert {call.input["VisibilityTimeout"] for call in one.sqs.of("ChangeMessageVisibility")} == {UNKNOWN_TASK_DELAY}
    assert UNKNOWN_TASK_DELAY < 60
    assert len([line for line in old.lines("ERROR") if "has no task new" in line]) == 1
    assert "has no task" not in newer.log()
    assert len(one.notes("done", "a")) == 1


def test_a_task_that_no_worker_knows_is_a_dead_letter_after_its_last_receive(shop):
    one = shop(default=Queue(visibility=HOUR, max_receives=3))
    old = one.worker(UNKNOWN_TASK_DELAY="0")
    one.post("new", "a")
    wait_until(lambda: one.sqs.queues["default"].dead)
    assert len(receives(one, "a")) == 3
    assert len([line for line in old.lines("ERROR") if "has no task new" in line]) == 1


def test_what_cannot_be_read_reaches_the_dead_letter_queue_and_stops_nobody(shop):
    one = shop({"retry_delays": [0]}, default=Queue(visibility=HOUR, max_receives=2))
    worker = one.worker()
    one.post("nap", "first")
    wait_until(lambda: empty(one))
    good = json.loads(base64.b64decode(one.sqs.of("SendMessage")[0].input["MessageBody"]))
    undecodable = {
        **good,
        "headers": {},  # the first version of the protocol, whose body is decoded by the worker itself
        "body": base64.b64encode(b'[["a"').decode(),
    }
    wrong = [json.dumps(undecodable), json.dumps({**good, "content-type": "application/x-nothing"}), "{}", "rubbish"]
    headers = {"task": good["headers"]["task"]}
    wrong += [json.dumps({**good, "headers": headers}), json.dumps({**good, "body": base64.b64encode(b"[]").decode()})]
    for text in wrong:
        body = base64.b64encode(text.encode()).decode() if text.startswith("{") else text
        one.sqs.answer("SendMessage", {"QueueUrl": one.sqs.queue_url("default"), "MessageBody": body})
    wait_until(lambda: len(one.sqs.queues["default"].dead) == len(wrong))
    one.post("nap", "next")
    wait_until(lambda: one.notes("done", "next"))
    assert worker.process.poll() is None


def test_sparse_tasks_over_rolling_restarts_are_done_once_and_none_stays_hidden(shop):
    one = shop({"wait_time_seconds": 3})
    count, restarts = 24, 3
    worker = one.worker()
    posted = 0
    for _ in range(restarts):
        for _ in range(count // restarts // 2):
            one.post("nap", f"n{posted}")
            posted += 1
            time.sleep(0.2)
        following = one.worker()
        worker.process.send_signal(signal.SIGTERM)
        for _ in range(count // restarts // 2):
            one.post("nap", f"n{posted}")
            posted += 1
            time.sleep(0.2)
        assert worker.process.wait(60) == 0
        worker = following
    wait_until(lambda: all(one.notes("done", f"n{number}") for number in range(posted)))
    wait_until(lambda: empty(one))
    assert [len(one.notes("start", f"n{number}")) for number in range(posted)] == [1] * posted


def test_a_task_that_outlives_the_stop_timeout_starts_again_at_once(shop):
    one = shop()
    first = one.worker(DJANGO_FARGATE_STOP_TIMEOUT="6")
    one.post("nap", "long", 600)
    wait_until(lambda: one.notes("start", "long"))
    one.worker()
    first.process.send_signal(signal.SIGTERM)
    first.process.wait(60)
    wait_until(lambda: len(one.notes("start", "long")) == 2)
    [given_back] = one.sqs.of("ChangeMessageVisibility")
    assert given_back.input["VisibilityTimeout"] == 0
    assert one.notes("start", "long")[1][0] - given_back.at <= 30


def test_a_task_that_is_received_just_before_sigterm_is_given_back_at_once_although_others_still_run(shop):
    one = shop({"wait_time_seconds": 1})
    worker = one.worker("--concurrency", "2", STOPS_WHEN_RECEIVED="again")
    one.post("nap", "long", 600)
    wait_until(lambda: one.notes("start", "long"))
    one.post("again", "a")
    wait_until(lambda: one.sqs.of("ChangeMessageVisibility"))
    assert worker.process.poll() is None
    assert one.notes("start", "a") == []
    one.worker()
    wait_until(lambda: one.notes("done", "a"))
    assert worker.process.poll() is None
    [given_back] = one.sqs.of("ChangeMessageVisibility")
    assert given_back.input["VisibilityTimeout"] == 0


def test_a_task_that_was_written_to_a_process_is_not_given_back_at_sigterm_or_two_workers_would_do_it_at_once(shop):
    one = shop({"wait_time_seconds": 1})
    worker = one.worker("--concurrency", "1", NOTES_RECEIPT="1")
    one.post("nap", "first")
    wait_until(lambda: one.notes("done", "first") and empty(one))  # Until then the worker takes no other.
    [(_, process)] = one.notes("done", "first")
    os.kill(process, signal.SIGSTOP)  # It accepts nothing of what the event loop writes to it.
    try:
        one.post("nap", "x", 2)
        wait_until(lambda: len(one.notes("received", "nap")) == 2)
        time.sleep(5)  # for the turn of the loop that writes it
        worker.process.send_signal(signal.SIGTERM)
        time.sleep(1 + 2)  # for its open poll
        assert one.sqs.of("ChangeMessageVisibility") == []
    finally:
        os.kill(process, signal.SIGCONT)
    assert worker.process.wait(120) == 0
    assert len(one.notes("start", "x")) == len(one.notes("done", "x")) == 1
    assert empty(one)


def test_a_task_that_is_held_until_it_is_due_is_given_back_at_sigterm_although_others_still_run(shop, monkeypatch):
    monkeypatch.setattr(delay, "MOST_DELAY", 0)
    one = shop({"wait_time_seconds": 1})
    worker = one.worker("--concurrency", "2", MOST_HELD="600", NOTES_RECEIPT="1")
    one.post("nap", "long", 600)
    wait_until(lambda: one.notes("start", "long"))
    one.post("nap", "later", countdown=500)
    wait_until(lambda: len(one.notes("received", "nap")) == 2)
    worker.process.send_signal(signal.SIGTERM)
    wait_until(lambda: one.sqs.of("ChangeMessageVisibility"))
    assert worker.process.poll() is None
    [given_back] = one.sqs.of("ChangeMessageVisibility")
    assert 0 < given_back.input["VisibilityTimeout"] <= 500


def test_a_task_that_ends_before_the_stop_timeout_is_finished(shop):
    one = shop()
    worker = one.worker(DJANGO_FARGATE_STOP_TIMEOUT="120")
    one.post("nap", "a", 5)
    wait_until(lambda: one.notes("start", "a"))
    worker.process.send_signal(signal.SIGTERM)
    assert worker.process.wait(60) == 0
    assert len(one.notes("done", "a")) == 1
    assert empty(one)


def test_what_is_done_while_the_worker_stops_is_deleted_although_others_still_run(shop):
    one = shop({"wait_time_seconds": 1})
    worker = one.worker("--concurrency", "2")
    one.post("nap", "long", 600)
    one.post("nap", "short", 4)
    wait_until(lambda: one.notes("start", "long") and one.notes("start", "short"))
    worker.process.send_signal(signal.SIGTERM)
    wait_until(lambda: one.notes("done", "short"))
    wait_until(lambda: len(one.sqs.queues["default"].messages) == 1)
    assert worker.process.poll() is None


@pytest.mark.parametrize(("status", "code"), [(400, "RequestThrottled"), (403, "AccessDenied"), (503, "Unavailable")])
def test_polls_that_are_refused_are_told_and_end_no_worker(shop, status, code):
    one = shop()
    worker = one.worker()
    with one.sqs.refusing("ReceiveMessage", status, code):
        wait_until(lambda: any(code in line for line in worker.lines("WARNING")))
        asked = len(one.sqs.of("ReceiveMessage"))
        wait_until(lambda: len(one.sqs.of("ReceiveMessage")) >= asked + 2)
    one.post("nap", "a")
    wait_until(lambda: one.notes("done", "a"))
    assert worker.process.poll() is None
    assert len([line for line in worker.lines("WARNING") if code in line]) == 1


def test_sqs_that_answers_nothing_ends_no_worker_and_holds_up_nobody(shop):
    one = shop()
    worker = one.worker()
    one.post("nap", "busy", 4)
    wait_until(lambda: one.notes("start", "busy"))
    with one.sqs.swallowing():
        wait_until(lambda: one.notes("done", "busy"))
        with pytest.raises(OperationalError, match=r"timed? ?out|Read timeout"):
            one.post("nap", "lost")
        wait_until(lambda: "did not delete its message" in worker.log())
        asked = len(one.sqs.of("ReceiveMessage"))
        wait_until(lambda: len(one.sqs.of("ReceiveMessage")) >= asked + 2)  # a poll ends by itself
        touched = worker.alive.stat().st_mtime
        wait_until(lambda: worker.alive.stat().st_mtime > touched)
    one.post("nap", "after")
    wait_until(lambda: one.notes("done", "after"))
    wait_until(lambda: empty(one))
    assert len(one.notes("start", "busy")) == 1  # its message was deleted later
    assert worker.process.poll() is None


def test_a_worker_that_starts_while_sqs_is_away_waits_for_it(shop):
    one = shop()
    with one.sqs.swallowing():
        worker = one.worker()
        touched = worker.alive.stat().st_mtime
        wait_until(lambda: worker.alive.stat().st_mtime > touched)
    one.post("nap", "a")
    wait_until(lambda: one.notes("done", "a"))


def test_a_message_that_is_too_large_is_refused_when_it_is_sent(shop):
    one = shop()
    one.post("nap", "x" * 300_000)
    with pytest.raises(Exception, match="must be shorter than 1048576 bytes"):
        one.post("nap", "x" * 700_000)


def test_a_process_that_was_forked_later_posts_over_connections_of_its_own(shop):
    one = shop()
    one.worker("--max-tasks-per-child", "1")
    for number in range(3):
        one.post("relay", f"r{number}")
    wait_until(lambda: all(one.notes("done", f"r{number}") for number in range(3)))
    wait_until(lambda: empty(one))


def test_database_connections_are_kept_between_tasks(shop):
    one = shop()
    one.worker(DJANGO_SETTINGS_MODULE="shop_settings")
    for number in range(3):
        one.post("connection", f"c{number}")
    wait_until(lambda: empty(one))
    lines = [line.split() for line in one.done.read_text().splitlines() if line.startswith("connection ")]
    assert len(lines) == 3
    assert len({tuple(words[2:]) for words in lines}) == 1


class EcsAgent:
    """The task protection endpoint of the ECS agent."""

    def __init__(self):
        self.states = states = []

        class Handler(BaseHTTPRequestHandler):
            def do_PUT(self):
                states.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        self.uri = f"http://127.0.0.1:{self.server.server_address[1]}/api"


def test_a_long_task_is_protected_from_scale_in_and_a_short_one_makes_no_call(shop):
    one, agent = shop(), EcsAgent()
    one.worker(DJANGO_FARGATE_TASK_PROTECTION="1500", ECS_AGENT_URI=agent.uri, PROTECTION_INTERVAL="1")
    one.post("nap", "short")
    wait_until(lambda: empty(one))
    assert agent.states == []
    one.post("nap", "long", 5)
    wait_until(lambda: len(agent.states) >= 2)
    assert agent.states == [
        ("/api/task-protection/v1/state", {"ProtectionEnabled": True, "ExpiresInMinutes": 26}),
        ("/api/task-protection/v1/state", {"ProtectionEnabled": False}),
    ]
    agent.server.shutdown()


def test_a_worker_refuses_a_version_that_would_end_with_one_failed_poll(tmp_path):
    code = (
        "from django_fargate import versions; versions.version = lambda package: '5.7.0'\n"
        "import django_fargate.celery as c; from celery import Celery; c.setup(Celery('shop'))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode != 0
    assert "kombu must not be 5.7.0" in result.stderr

"""The transport in this process: kombu's own event loop, and a double of SQS behind HTTP."""

import base64
import json
import logging
import os
import re
import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from celery import Celery
from celery.worker import state
from kombu import Connection, Consumer, Producer
from kombu import Queue as KombuQueue
from kombu.asynchronous import Hub, set_event_loop
from kombu.exceptions import OperationalError
from kombu.transport import SQS, TRANSPORT_ALIASES

from django_fargate.celery import CLIENT_CONFIG
from django_fargate.sqs import channel, connection, polls
from django_fargate.sqs import delay as countdowns
from django_fargate.sqs.channel import forget_clients
from django_fargate.sqs.delay import MOST_DELAY, CountdownTooLongError, delay_seconds, seconds_until
from django_fargate.sqs.retries import RETRY_DELAYS, retry_delay
from sqs_double import Queue, Sqs

#: kombu's own use of pycurl.
pytestmark = pytest.mark.filterwarnings("ignore:.* is deprecated; use:DeprecationWarning")
QUICK = {"connect_timeout": 2, "read_timeout": 0.3, "retries": {"total_max_attempts": 1}}


@pytest.fixture(scope="module")
def server():
    sqs = Sqs()
    forget_clients()
    yield sqs
    forget_clients()
    sqs.close()


class Loop:
    """A consumer of one queue on an event loop of its own, which turns until a condition holds."""

    def __init__(self, sqs, url, **options):
        self.hub = Hub()
        set_event_loop(self.hub)
        self.hub.call_repeatedly(0.02, lambda: None)  # turns it, as the results of a pool do
        given = {"wait_time_seconds": 1, "client-config": QUICK, **options}
        queues = {"default": {"url": url, "longest_countdown": 1200, "max_receive_count": 3}}
        TRANSPORT_ALIASES["sqs"] = "django_fargate.sqs:Transport"
        self.connection = Connection(
            "sqs://", transport_options={"region": "eu-west-1", "predefined_queues": queues, **given}
        )
        self.channel: Any = self.connection.default_channel
        self.messages: list[Any] = []
        self.consumer = Consumer(
            self.channel, KombuQueue("default", routing_key="default"), on_message=self.messages.append
        )
        self.sqs, self.queue = sqs, sqs.queues["default"]

    def start(self):
        self.consumer.consume()
        return self

    def until(self, condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        loop = self.hub.create_loop()
        while not condition():
            assert time.monotonic() < deadline, "waited too long"
            next(loop)

    def post(self, body="hello", **headers):
        producer = Producer(self.channel, routing_key="default")
        producer.publish(body, exchange="", routing_key="default", headers=headers)

    def close(self):
        self.channel.stopping = True
        self.connection.close()
        self.hub.close()


@pytest.fixture
def loop(server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    for name in ("should_stop", "should_terminate"):
        monkeypatch.setattr(state, name, None)
    monkeypatch.setattr(polls, "PAUSE", 0.01)
    made = []

    def make(**options):
        server.queues["default"] = Queue(visibility=3600, max_receives=3)
        server.calls.clear()
        made.append(Loop(server, server.queue_url("default"), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
    set_event_loop(None)


def test_a_message_is_posted_in_one_call_received_and_deleted(loop):
    one = loop().start()
    one.post()
    one.until(lambda: one.messages)
    assert one.sqs.of("GetQueueAttributes") == []
    one.messages[0].ack()
    assert one.queue.messages == []


def test_the_timeouts_towards_sqs_are_together_shorter_than_ten_seconds():
    attempts = CLIENT_CONFIG["retries"]["total_max_attempts"]
    slowest = max(CLIENT_CONFIG["connect_timeout"], CLIENT_CONFIG["read_timeout"])
    assert attempts * slowest + (attempts - 1) < 10  # botocore waits for at most a second before the second one


@pytest.fixture
def forgetful():
    """kombu keeps its clients, and with them their timeouts, in a class."""
    forget_clients()
    yield
    forget_clients()


def test_without_this_package_posting_fails_within_35_seconds_by_the_timeouts_of_the_construct(
    server, forgetful, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setitem(TRANSPORT_ALIASES, "sqs", "kombu.transport.SQS:Transport")
    server.queues["default"] = Queue(visibility=3600, max_receives=3)
    app = Celery("plain", broker="sqs://", set_as_current=False)
    app.conf.broker_transport_options = {
        "region": "eu-west-1",
        "client-config": {**CLIENT_CONFIG, "read_timeout": 0.2},
        "predefined_queues": {"default": {"url": server.queue_url("default")}},
    }
    app.conf.task_default_queue = "default"
    app.send_task("first")  # this one asks for the queue, too
    server.calls.clear()
    with server.swallowing(), pytest.raises(OperationalError, match="Read timeout"):
        app.send_task("second")
    # One try to send, and then two to find the queue again, each of two attempts by botocore.
    attempts = len(server.calls)
    assert attempts >= 2 * CLIENT_CONFIG["retries"]["total_max_attempts"]
    policy = app.conf.task_publish_retry_policy
    pauses = attempts / 2 + policy["max_retries"] * policy["interval_max"]  # of botocore, a second at most, and Celery
    assert attempts * CLIENT_CONFIG["read_timeout"] + pauses < 35


def test_a_poll_outlives_the_time_that_sqs_holds_it_open_and_ends_when_nothing_comes(loop, monkeypatch, caplog):
    monkeypatch.setattr(connection, "ANSWER_MARGIN", 0.5)
    one = loop(wait_time_seconds=1)
    assert one.channel.asynsqs("default").get_http_connection().timeout == 1.5
    with one.sqs.swallowing():
        one.start()
        one.until(lambda: len(one.sqs.of("ReceiveMessage")) >= 2)
    assert "599" in caplog.text


@pytest.mark.parametrize(
    ("status", "code"), [(400, "RequestThrottled"), (403, "AccessDenied"), (503, "ServiceUnavailable")]
)
def test_a_refused_poll_is_one_warning_and_no_end(loop, caplog, status, code):
    one = loop()
    with caplog.at_level(logging.WARNING), one.sqs.refusing("ReceiveMessage", status, code):
        one.start()
        one.until(lambda: len(one.sqs.of("ReceiveMessage")) >= 3)
    warnings = [record.getMessage() for record in caplog.records if "gave no messages" in record.getMessage()]
    assert len(warnings) == 1
    assert code in warnings[0]
    one.post()
    one.until(lambda: one.messages)


def test_an_answer_that_is_not_one_of_sqs_is_a_refused_poll(loop, caplog):
    one = loop()
    connection = one.channel.asynsqs("default")
    answer = SimpleNamespace(status=200, response=SimpleNamespace(body=b"<html>", headers={}), read=lambda: b"<html>")
    assert connection._on_list_ready(None, None, "ReceiveMessage", answer) == {}
    away = SimpleNamespace(status=599, reason="Connection refused", read=lambda: None)
    assert connection._on_list_ready(None, None, "ReceiveMessage", away) == {}
    assert "an answer that is not one of SQS" in caplog.text


def test_a_worker_that_stops_waits_for_its_polls_and_gives_back_what_they_bring(loop, monkeypatch):
    one = loop(wait_time_seconds=5).start()
    one.until(lambda: one.sqs.of("ReceiveMessage"))
    monkeypatch.setattr(state, "should_stop", 0)  # exit code 0, as after SIGTERM
    message = {"body": "eA==", "properties": {"delivery_info": {"routing_key": "default"}, "body_encoding": "base64"}}
    encoded = base64.b64encode(json.dumps(message).encode()).decode()
    one.sqs.answer("SendMessage", {"QueueUrl": one.channel.predefined_queues["default"]["url"], "MessageBody": encoded})
    one.consumer.cancel()
    assert one.channel.polls.open == 0
    assert one.messages == []
    assert [call.input["VisibilityTimeout"] for call in one.sqs.of("ChangeMessageVisibility")] == [0]
    assert len(one.sqs.of("ReceiveMessage")) == 1


def test_a_consumer_that_is_cancelled_while_the_worker_goes_on_does_not_wait(loop):
    one = loop(wait_time_seconds=20).start()
    one.until(lambda: one.sqs.of("ReceiveMessage"))
    one.consumer.cancel()
    assert one.channel.polls.open == 1


def test_a_callback_that_fails_does_not_keep_a_worker_from_stopping(loop, monkeypatch, caplog):
    one = loop().start()
    one.until(lambda: one.sqs.of("ReceiveMessage"))
    monkeypatch.setattr(state, "should_stop", 0)
    one.hub.call_soon(lambda: 1 / 0)
    one.consumer.cancel()
    assert one.channel.polls.open == 0
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("requeue", [False, True])
def test_a_failed_task_comes_back_later_and_later_and_is_dead_after_its_last_attempt(loop, requeue):
    one = loop(retry_delays=[0, 0, 900]).start()
    one.post()
    for attempt in range(1, 4):
        one.until(lambda: len(one.messages) == attempt)  # noqa: B023
        one.messages[-1].reject(requeue=requeue)
    one.until(lambda: one.queue.dead)
    # Not the 900 seconds of the third: the queue gives up after three attempts.
    assert [call.input["VisibilityTimeout"] for call in one.sqs.of("ChangeMessageVisibility")] == [0, 0, 0]


def test_the_times_between_attempts_grow_and_outlive_a_fail_over():
    assert [retry_delay(receives) for receives in range(0, 6)] == [15, 15, 120, 900, 900, 900]
    assert sum(RETRY_DELAYS[:2]) > 120
    assert retry_delay(3, most=3) == 0


def test_what_was_in_work_is_given_back_at_once_and_what_is_not_due_when_it_is(loop):
    one = loop().start()
    one.post("cut off")
    one.until(lambda: one.messages)
    one.channel.stopping = True
    one.until(lambda: one.channel.polls.open == 0)
    one.channel.qos.restore_unacked()
    later = (datetime.now(timezone.utc) + timedelta(seconds=100)).isoformat()
    one.messages[0].headers["eta"] = later
    one.channel._restore(one.messages[0])
    first, second = (call.input["VisibilityTimeout"] for call in one.sqs.of("ChangeMessageVisibility"))
    assert first == 0
    assert 90 <= second <= 100


def test_what_has_not_begun_is_given_back_and_what_has_or_is_done_is_not(loop):
    one = loop().start()
    for _ in range(3):
        one.post()
    one.until(lambda: len(one.messages) == 3)
    one.until(lambda: one.channel.polls.open > 0)
    one.channel.stopping = True
    one.until(lambda: one.channel.polls.open == 0)
    done, begun, waits = one.messages
    done.ack()
    one.channel.give_back_all_but({begun.delivery_tag})
    [given_back] = one.sqs.of("ChangeMessageVisibility")
    assert (given_back.input["ReceiptHandle"], given_back.input["VisibilityTimeout"]) == (waits.delivery_tag, 0)
    one.channel.qos._flush()
    assert list(one.channel.qos._delivered) == [begun.delivery_tag]


def test_a_message_is_given_back_for_another_worker(loop):
    one = loop().start()
    one.post()
    one.until(lambda: one.messages)
    one.channel.give_back(one.messages[0].delivery_tag, 50)
    one.channel.give_back("nobody knows it", 50)
    assert [call.input["VisibilityTimeout"] for call in one.sqs.of("ChangeMessageVisibility")] == [50]


def test_a_message_that_cannot_be_deleted_does_not_fill_the_worker_and_is_deleted_later(loop, caplog):
    one = loop().start()
    one.channel.basic_qos(0, 1, False)
    one.post("first")
    one.until(lambda: one.messages)
    with one.sqs.swallowing():
        one.messages[0].ack()
    assert one.channel.qos.can_consume()
    assert "did not delete its message" in caplog.text
    one.post("second")
    one.until(lambda: len(one.messages) == 2)
    assert [base64.b64decode(message.payload()["body"]) for message in one.queue.messages] == [b"second"]


@pytest.mark.parametrize(
    ("status", "code", "kept"),
    [(400, "ThrottlingException", 1), (503, "ServiceUnavailable", 1), (400, "AccessDenied", 0)],
)
def test_a_refused_deletion_is_told_and_one_for_now_is_tried_again(loop, caplog, status, code, kept):
    one = loop().start()
    one.post()
    one.until(lambda: one.messages)
    with one.sqs.refusing("DeleteMessage", status, code):
        one.messages[0].ack()
        assert len(one.channel._undeleted) == kept
    assert "refuses to delete" in caplog.text


def test_a_message_that_is_not_given_back_is_told(loop, caplog):
    one = loop().start()
    one.post()
    one.until(lambda: one.messages)
    with one.sqs.refusing("ChangeMessageVisibility", 400, "AccessDenied"):
        one.messages[0].reject()
    assert "was not given back" in caplog.text
    assert one.channel.qos.can_consume()


def test_a_message_that_is_no_message_of_kombu_is_left_to_the_dead_letter_queue(loop, caplog):
    one = loop(retry_delays=[0]).start()
    broken = {"body": "?", "properties": {"delivery_info": {}, "body_encoding": "base64"}, "headers": {}}
    body = base64.b64encode(json.dumps({**broken, "body": "a"}).encode()).decode()  # one letter is no base64
    one.sqs.answer("SendMessage", {"QueueUrl": one.channel.predefined_queues["default"]["url"], "MessageBody": body})
    one.until(lambda: one.queue.dead)
    assert len(one.queue.dead[0].received) == 3
    assert "cannot be read" in caplog.text
    one.post("next")
    one.until(lambda: one.messages)


def test_posting_to_sqs_that_does_not_answer_is_an_error_that_names_it(loop):
    one = loop()
    with one.sqs.swallowing():
        producer = Producer(one.channel, routing_key="default")
        with pytest.raises(OperationalError, match="Read timeout"):
            producer.publish("x", exchange="", routing_key="default", retry=True, retry_policy={"max_retries": 0})
    assert len(one.sqs.of("SendMessage")) == 1


@pytest.mark.parametrize(("seconds", "delay"), [(0.5, None), (60.5, 60), (899.5, 899), (1150, 900)])
def test_a_countdown_travels_as_delay_seconds(loop, seconds, delay):
    one = loop()
    one.post(eta=(datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat(), task="shop.remind")
    [call] = one.sqs.of("SendMessage")
    sent = call.input.get("DelaySeconds")
    assert sent == delay or (delay is not None and delay - 2 <= sent <= delay)


def test_a_countdown_that_leaves_no_time_for_the_task_is_refused_when_it_is_sent(loop):
    one = loop()
    later = (datetime.now(timezone.utc) + timedelta(minutes=25)).isoformat()
    with pytest.raises(CountdownTooLongError, match=r"shop\.remind is due in .* default may wait for 1200") as refused:
        one.post(eta=later, task="shop.remind")
    assert re.search(
        r"give `queues\.default` a `visibilityTimeout` that is (299|300) seconds longer", str(refused.value)
    )
    assert "store when the task is due" in str(refused.value)
    assert one.sqs.of("SendMessage") == []


def test_for_a_countdown_that_no_queue_allows_no_longer_timeout_is_proposed():
    due = datetime.now(timezone.utc) + timedelta(days=1)
    with pytest.raises(
        CountdownTooLongError, match="No queue allows more than 12 hours and 15 minutes: store"
    ) as refused:
        delay_seconds({"task": "shop.remind", "eta": due.isoformat()}, "default", 1200)
    assert "visibilityTimeout" not in str(refused.value)


def test_a_message_of_later_is_given_back_until_it_is_due_and_one_of_now_is_held(loop):
    one = loop().start()
    now = datetime.now(timezone.utc)
    for seconds in (1000, channel.MOST_HELD - 5):
        one.post(eta=(now + timedelta(seconds=seconds)).isoformat(), task="shop.remind")
        one.queue.messages[-1].visible_at = 0  # as if SQS had kept it back for its DelaySeconds
    one.until(lambda: one.messages)
    [given_back] = [call.input["VisibilityTimeout"] for call in one.sqs.of("ChangeMessageVisibility")]
    assert 900 < given_back <= 1000
    assert len(one.messages) == 1
    assert len(one.queue.messages) == 2


def test_a_message_of_later_that_sqs_does_not_take_back_is_held(loop):
    one = loop().start()
    with one.sqs.refusing("ChangeMessageVisibility", 400, "AccessDenied"):
        one.post(eta=(datetime.now(timezone.utc) + timedelta(seconds=100)).isoformat(), task="shop.remind")
        one.queue.messages[-1].visible_at = 0
        one.until(lambda: one.messages)


def test_a_message_is_hidden_for_no_longer_than_sqs_can(loop):
    one = loop().start()
    one.post()
    one.queue.messages[0].body = base64.b64encode(
        json.dumps({**one.queue.messages[0].payload(), "headers": {"eta": "2999-01-01T00:00:00Z"}}).encode()
    ).decode()
    one.until(lambda: one.sqs.of("ChangeMessageVisibility"))
    assert one.sqs.of("ChangeMessageVisibility")[0].input["VisibilityTimeout"] == channel.MOST_HIDDEN < 12 * 3600


def test_a_short_visibility_timeout_does_not_limit_what_sqs_keeps_back():
    now = datetime.now(timezone.utc)
    assert delay_seconds({"eta": (now + timedelta(seconds=300.5)).isoformat()}, "express", MOST_DELAY + 4) == 300
    with pytest.raises(CountdownTooLongError):
        delay_seconds({"eta": (now + timedelta(seconds=MOST_DELAY + 10)).isoformat()}, "express", MOST_DELAY + 4)
    assert seconds_until("2026-01-01T00:00:10Z", datetime(2026, 1, 1, tzinfo=timezone.utc)) == 10
    assert seconds_until("2026-01-01T00:00:10", datetime(2026, 1, 1, tzinfo=timezone.utc)) == 10


def test_an_eta_without_a_time_zone_is_in_that_of_the_project_as_for_celery_s_worker(monkeypatch):
    monkeypatch.setattr(countdowns, "current_app", Celery("shop", set_as_current=False, timezone="Europe/Berlin"))
    assert seconds_until("2026-01-01T01:00:10", datetime(2026, 1, 1, tzinfo=timezone.utc)) == 10


def test_a_fifo_queue_gets_no_delay_of_a_message(loop, monkeypatch):
    one = loop()
    put = []
    monkeypatch.setattr(SQS.Channel, "_put", lambda _, queue, message, **kwargs: put.append(message))
    eta = (datetime.now(timezone.utc) + timedelta(seconds=60)).isoformat()
    one.channel._put("orders.fifo", {"headers": {"eta": eta}, "properties": {}})
    one.channel._put("default", {"headers": {"eta": eta}, "properties": {}, "redelivered": True})
    assert [message["properties"] for message in put] == [{}, {}]


def test_other_queues_than_predefined_ones_are_declared_as_kombu_does(loop, monkeypatch):
    one = loop()
    declared = []
    monkeypatch.setattr(SQS.Channel, "queue_declare", lambda _, queue, passive, **kwargs: declared.append(queue))
    one.channel.queue_declare("other")
    assert one.channel.queue_declare("default").queue == "default"
    assert declared == ["other"]


def test_polling_that_has_stopped_is_noticed_and_a_full_worker_or_an_outage_is_no_such_thing(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    some = polls.Polls(wait=20)
    now[0] += 59
    assert not some.have_stopped()
    some.alive()
    now[0] += 59
    assert not some.have_stopped()
    some.started()
    some.returned()
    some.refused("default", "599 away")
    assert some.pause("default") == polls.PAUSE
    assert some.pause("default") == 0
    now[0] += 62
    assert some.have_stopped()


def test_warnings_come_once_a_minute_and_say_how_many_there_would_have_been(monkeypatch, caplog):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    some = polls.Polls(wait=20)
    for _ in range(120):
        some.refused("default", "599 away")
        now[0] += 1
    assert [record.failures_before for record in caplog.records] == [0, 59]


def test_a_full_worker_asks_for_nothing_and_counts_as_one_that_polls(loop):
    one = loop().start()
    one.channel.basic_qos(0, 1, False)
    one.post()
    one.until(lambda: one.messages)
    one.until(lambda: one.channel.polls.open == 0)
    one.channel.polls._alive_at = 0.0
    asked = len(one.sqs.of("ReceiveMessage"))
    one.until(lambda: not one.channel.polls.have_stopped())
    assert len(one.sqs.of("ReceiveMessage")) == asked


def test_a_forked_process_makes_connections_of_its_own(loop):
    one = loop()
    one.post()
    shared = vars(SQS.Channel)["_predefined_queue_clients"]
    if not isinstance(shared, dict):
        return  # kombu 5.7 keeps them in the connection, of which a child makes its own
    assert shared
    child = os.fork()
    if child == 0:  # pragma: no cover (another process, which ends without a report)
        os._exit(len(shared))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert shared


def test_a_message_of_an_unknown_origin_is_given_back_to_the_queue_that_it_came_from(loop):
    one = loop()
    url = one.channel.predefined_queues["default"]["url"]
    info = {"routing_key": "elsewhere", "sqs_queue": url}
    assert one.channel._place(SimpleNamespace(delivery_info=info, delivery_tag="tag")) == ("default", url, "tag")


def test_refused_connections_are_failed_polls_and_failed_posts(loop, monkeypatch):
    one = loop()

    def away(*_, **__):
        raise EndpointConnectionError(endpoint_url="https://sqs")

    monkeypatch.setattr(one.channel, "sqs", lambda queue=None: SimpleNamespace(delete_message=away))
    one.channel._undeleted = [("default", "https://sqs/default", "handle")]
    one.channel._delete_undeleted()
    assert len(one.channel._undeleted) == 1

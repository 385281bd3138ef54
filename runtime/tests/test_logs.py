import json
import logging
import logging.config
import sys
from datetime import datetime, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from celery import Celery
from django.test import Client

from django_fargate.client import client_address, networks
from django_fargate.logs import JsonFormatter, UvicornAccessFilter, logging_config

OURS = networks(["10.0.0.0/16", "fd00::/8"])


def record(message="hello %s", *args, name="shop", **extra):
    made = logging.getLogger(name).makeRecord(
        name, logging.WARNING, __file__, 1, message, args, None, extra=extra or None
    )
    return made


def test_a_line_is_one_json_object_with_its_extra_fields():
    line = JsonFormatter().format(record("hello %s", "Ada\nLovelace", order=7, request=object()))
    assert "\n" not in line
    fields = json.loads(line)
    assert (fields["levelname"], fields["logger"], fields["message"]) == ("WARNING", "shop", "hello Ada\nLovelace")
    assert fields["order"] == 7
    assert "request" not in fields
    assert fields["time"].endswith("+00:00")


def test_an_exception_is_a_field():
    try:
        raise ValueError("broken")
    except ValueError:
        made = logging.getLogger("shop").makeRecord("shop", logging.ERROR, __file__, 1, "oh", (), sys.exc_info())
    assert "ValueError: broken" in json.loads(JsonFormatter().format(made))["exception"]


def test_uvicorn_s_access_log_has_no_query_string_and_no_passed_health_checks():
    made = record('%s - "%s %s HTTP/%s" %d', "9.9.9.9:1", "GET", "/a?token=canary", "1.1", 404, name="uvicorn.access")
    assert UvicornAccessFilter().filter(made)
    fields = json.loads(JsonFormatter().format(made))
    assert (fields["message"], fields["client"], fields["status"]) == ("GET /a 404", "9.9.9.9", 404)
    for status, kept in ((200, False), (503, True)):
        check = record('%s - "%s %s HTTP/%s" %d', "10.0.0.9:1", "GET", "/healthz", "1.1", status, name="uvicorn.access")
        assert UvicornAccessFilter().filter(check) is kept


@pytest.mark.parametrize(
    ("message", "arguments", "status"),
    [('%s - "WebSocket %s" [accepted]', (), 101), ('%s - "WebSocket %s" %d', (403,), 403)],
)
def test_a_websocket_s_query_string_is_not_logged_either(message, arguments, status):
    made = record(message, "9.9.9.9:1", "/ws/echo?token=canary", *arguments, name="uvicorn.error")
    UvicornAccessFilter().filter(made)
    fields = json.loads(JsonFormatter().format(made))
    assert (fields["path"], fields["status"]) == ("/ws/echo", status)
    assert "canary" not in json.dumps(fields)


def test_the_configuration_is_one_that_logging_accepts(capsys):
    before = logging.getLogger().handlers[:]
    try:
        logging.config.dictConfig(logging_config())
        logging.getLogger("django.request").error("once")
        lines = [line for line in capsys.readouterr().out.splitlines() if line]
        assert [json.loads(line)["message"] for line in lines] == ["once"]
    finally:
        logging.getLogger().handlers[:] = before


def test_a_refused_request_is_a_warning_and_an_error_of_a_view_an_error(capsys):
    before = logging.getLogger().handlers[:]
    try:
        logging.config.dictConfig(logging_config())
        too_many = dict.fromkeys(map(str, range(1001)), "x")
        client = Client(raise_request_exception=False, headers={"host": "shop.example.com"})
        assert client.post("/fields", too_many).status_code == 400
        assert client.get("/fields", headers={"host": "evil.example"}).status_code == 400
        assert client.get("/broken").status_code == 500
        fields = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line]
        # Django 5.2.0 adds a warning of django.request to each warning of django.security.
        told = [line for line in fields if (line["levelname"], line["logger"]) != ("WARNING", "django.request")]
        assert [(line["levelname"], line["logger"], "exception" in line) for line in told] == [
            ("WARNING", "django.security.TooManyFieldsSent", False),
            ("WARNING", "django.security.DisallowedHost", False),
            ("ERROR", "django.request", True),
        ]
    finally:
        logging.getLogger().handlers[:] = before


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("10.0.1.2", "203.0.113.9", "203.0.113.9"),
        ("10.0.1.2", "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("10.0.1.2", "6.6.6.6, 203.0.113.9, 10.0.2.3", "203.0.113.9"),
        ("10.0.1.2", "10.0.9.9, 203.0.113.9:443", "203.0.113.9"),
        ("10.0.1.2", "[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.1.2", "2001:db8::1, fd00::1", "2001:db8::1"),
        ("203.0.113.5", "6.6.6.6", "203.0.113.5"),
        ("10.0.1.2", "", "10.0.1.2"),
        ("10.0.1.2", "6.6.6.6, nonsense", "10.0.1.2"),
        ("10.0.1.2", "10.0.9.9, 10.0.7.7", "10.0.7.7"),
        ("", "6.6.6.6", ""),
    ],
)
def test_the_client_is_the_right_most_address_that_is_not_ours(peer, forwarded_for, client):
    assert client_address(peer, forwarded_for, OURS) == client


def test_a_star_trusts_nobody():
    assert client_address("10.0.1.2", "6.6.6.6", networks(["*"])) == "10.0.1.2"


class Unspeakable:
    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (Decimal("1.50"), "1.50"),
        ([1, {"a": (2, None)}], [1, {"a": [2, None]}]),
        ({("a", 1): {3}}, {"('a', 1)": [3]}),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (datetime(2026, 1, 2, tzinfo=timezone.utc), "2026-01-02T00:00:00+00:00"),
        (b"\xff", "b'\\xff'"),
        ("half a pair \ud800", "half a pair \ud800"),
        (Unspeakable(), "<Unspeakable that cannot be written: RuntimeError>"),
    ],
)
def test_an_extra_of_any_type_appears(value, written):
    line = JsonFormatter().format(record("paid", order=value))
    assert json.loads(line.encode())["order"] == written


def test_a_value_that_contains_itself_ends_somewhere():
    circle: list[object] = []
    circle.append(circle)
    assert "[...]" in JsonFormatter().format(record("paid", order=circle))


def test_no_extra_overwrites_the_record():
    fields = json.loads(JsonFormatter().format(record("paid", time="noon", logger="me", levelname_="x", exception=1)))
    assert fields["time"] != "noon"
    assert (fields["extra_time"], fields["logger"], fields["extra_logger"]) == ("noon", "shop", "me")
    assert fields["exception"] == 1  # the record has none


def test_the_arguments_of_a_task_are_not_logged():
    data = {"id": "7", "name": "shop.pay", "args": "('canary',)", "kwargs": "{}"}
    line = JsonFormatter().format(record("Task received", name="celery.worker.strategy", data=data))
    assert "canary" not in line
    assert (json.loads(line)["task_id"], json.loads(line)["task_name"]) == ("7", "shop.pay")
    assert json.loads(JsonFormatter().format(record("mine", data=data)))["data"] == data


def test_lines_of_a_task_have_its_id_and_name():
    app = Celery("shop", set_as_current=False)
    lines = []

    @app.task(name="shop.pay")
    def pay():
        lines.append(json.loads(JsonFormatter().format(record("paid"))))

    result = pay.apply()
    assert (lines[0]["task_id"], lines[0]["task_name"]) == (result.id, "shop.pay")
    assert "task_id" not in json.loads(JsonFormatter().format(record("paid")))


def test_lines_of_a_request_have_its_trace_id(capsys):
    before = logging.getLogger().handlers[:]
    try:
        logging.config.dictConfig(logging_config())
        client = Client(raise_request_exception=False, headers={"host": "shop.example.com"})
        client.get("/broken", headers={"x-amzn-trace-id": "Root=1-2-3"})
        client.get("/broken")
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line]
        assert [line.get("trace") for line in lines] == ["Root=1-2-3", None]
    finally:
        logging.getLogger().handlers[:] = before

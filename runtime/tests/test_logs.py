import json
import logging
import logging.config
import sys

import pytest
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
        assert [(line["levelname"], line["logger"], "exception" in line) for line in fields] == [
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

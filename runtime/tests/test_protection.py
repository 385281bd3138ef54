"""ECS task scale-in protection, with the agent's endpoint."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker import state

from django_fargate import protection


@pytest.fixture
def agent():
    calls: list[Any] = []
    answers: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self):
            calls.append((self.path, json.loads(self.rfile.read(int(self.headers["content-length"])))))
            body = answers.pop(0) if answers else b'{"protection": {}}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield SimpleNamespace(uri=f"http://127.0.0.1:{server.server_address[1]}", calls=calls, answers=answers)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def step(agent, monkeypatch):
    monkeypatch.setenv("ECS_AGENT_URI", agent.uri)
    monkeypatch.setenv(protection.VARIABLE, "1500")
    monkeypatch.setattr(state, "active_requests", set())

    class AtOnce:
        def __init__(self, target, args, daemon):
            self.start = lambda: target(*args)

    made = protection.Protection(SimpleNamespace())
    monkeypatch.setattr(protection.threading, "Thread", AtOnce)  # type: ignore[attr-defined]
    return made


class Request:
    def __init__(self, task_id):
        self.id = task_id


PUT = "/task-protection/v1/state"


def test_a_task_that_lasts_is_protected_once_and_released_when_nothing_is_left(step, agent):
    first, second = Request("1"), Request("2")
    step.look()
    state.active_requests.add(first)
    step.look()
    assert agent.calls == []
    step.look()
    step.look()
    assert agent.calls == [(PUT, {"ProtectionEnabled": True, "ExpiresInMinutes": 26})]
    state.active_requests.add(second)
    step.look()
    step.look()
    assert len(agent.calls) == 2  # renewed for the second
    state.active_requests.clear()
    step.look()
    step.look()
    assert agent.calls[2:] == [(PUT, {"ProtectionEnabled": False})]


def test_where_ecs_refuses_the_worker_goes_on_and_asks_again(step, agent, caplog):
    agent.answers.append(b'{"failure": {"Reason": "DEPLOYMENT_BLOCKED"}}')
    state.active_requests.add(Request("1"))
    step.look()
    step.look()
    assert "DEPLOYMENT_BLOCKED" in caplog.text
    step.look()
    assert step.protected
    assert len(agent.calls) == 2


def test_nobody_is_asked_where_the_contract_does_not_want_it_or_there_is_no_agent(monkeypatch):
    monkeypatch.delenv("ECS_AGENT_URI", raising=False)
    monkeypatch.setenv(protection.VARIABLE, "1500")
    assert not protection.Protection(SimpleNamespace()).include_if(SimpleNamespace())
    monkeypatch.setenv("ECS_AGENT_URI", "http://169.254.170.2/api")
    monkeypatch.delenv(protection.VARIABLE)
    assert not protection.Protection(SimpleNamespace()).include_if(SimpleNamespace())


def test_it_looks_from_the_worker_s_own_loop(step):
    entry = SimpleNamespace(cancel=lambda: calls.append("cancelled"))
    calls: list[Any] = []

    def call_repeatedly(seconds, function, priority):
        calls.append(seconds)
        return entry

    timer = SimpleNamespace(call_repeatedly=call_repeatedly)
    step.start(SimpleNamespace(timer=timer))
    step.terminate(SimpleNamespace())
    step.stop(SimpleNamespace())
    assert calls == [protection.INTERVAL, "cancelled"]

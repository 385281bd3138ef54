"""gunicorn and uvicorn for real, in front of the tests' project."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest

PROJECT = """
import tests_settings
from django.core.{kind} import get_{kind}_application
application = get_{kind}_application()
"""
SETTINGS = """
from django.conf import settings
from django_fargate.logs import logging_config

settings.configure(
    SECRET_KEY="x" * 50,
    ALLOWED_HOSTS=["shop.example.com"],
    ROOT_URLCONF="project",
    MIDDLEWARE=[
        "django_fargate.middleware.HealthCheckMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    LOGGING=logging_config(),
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
"""
GUNICORN = """
from django_fargate.gunicorn import hide_server_header

hide_server_header()
logger_class = "django_fargate.gunicorn.Logger"
control_socket_disable = True
"""
COMMANDS = {
    "gunicorn": [
        *("gunicorn", "wsgi:application", "--bind", "127.0.0.1:{port}", "--worker-class", "gthread"),
        *("--threads", "2", "--keep-alive", "75", "--access-logfile", "-"),
    ],
    "uvicorn": ["uvicorn", "asgi:application", "--host", "127.0.0.1", "--port", "{port}", "--no-server-header"],
}


@pytest.fixture(scope="module", params=COMMANDS)
def server(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "tests_settings.py").write_text(SETTINGS)
    (folder / "wsgi.py").write_text(PROJECT.format(kind="wsgi"))
    (folder / "asgi.py").write_text(PROJECT.format(kind="asgi"))
    (folder / "gunicorn.conf.py").write_text(GUNICORN)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [part.format(port=port) for part in COMMANDS[request.param]]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), os.path.dirname(__file__)]),
        "FORWARDED_ALLOW_IPS": "127.0.0.0/8",
        "WEB_CONCURRENCY": "1",
    }
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    yield port, folder / "log", wait_for(port, process, folder / "log")
    process.terminate()
    process.wait(20)


def wait_for(port, process, log):
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def get(port, path, host, **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", path, headers={"Host": host, **headers})
        response = connection.getresponse()
        response.read()
        return response


def lines(log):
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def line_of(log, path):
    """The line of a request; servers write it when they have answered, so it may be a moment late."""
    deadline = time.monotonic() + 5
    while True:
        found = [line for line in lines(log) if line.get("path") == path and "client" in line]
        if found or time.monotonic() > deadline:
            return found[-1]
        time.sleep(0.05)


def test_the_health_check_passes_while_other_hosts_are_refused(server):
    port, _, _ = server
    assert get(port, "/healthz", "10.0.3.7:8000").status == 200
    assert get(port, "/missing", "10.0.3.7:8000").status == 400


def test_no_response_names_the_server(server):
    port, _, _ = server
    for path in ("/healthz", "/missing"):
        assert get(port, path, "shop.example.com").getheader("Server") is None


def test_the_access_log_has_the_real_client_and_no_query_string(server):
    port, log, _ = server
    forwarded = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}
    assert get(port, "/forwarded?token=canary", "shop.example.com", **forwarded).status == 404
    line = line_of(log, "/forwarded")
    assert (line["client"], line["method"], line["status"]) == ("203.0.113.9", "GET", 404)
    assert "canary" not in log.read_text()


def test_passed_health_checks_are_not_in_the_log(server):
    port, log, _ = server
    get(port, "/healthz", "10.0.3.7:8000")
    get(port, "/later", "shop.example.com")
    line_of(log, "/later")
    assert not [line for line in lines(log) if line.get("path") == "/healthz"]

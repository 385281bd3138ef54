"""gunicorn and uvicorn for real, in front of the tests' project."""

import http.client
from contextlib import closing

import pytest
from servers import serving

COMMANDS = {
    "gunicorn": ["gunicorn", "wsgi:application", "--bind", "127.0.0.1:{port}", "--worker-class", "gthread"]
    + ["--threads", "2", "--keep-alive", "75", "--access-logfile", "-"],
    "uvicorn": ["uvicorn", "asgi:application", "--host", "127.0.0.1", "--port", "{port}", "--no-server-header"],
}


@pytest.fixture(scope="module", params=COMMANDS)
def server(request, tmp_path_factory):
    with serving(tmp_path_factory.mktemp(request.param), *COMMANDS[request.param]) as server:
        yield server


def get(server, path, host, **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request("GET", path, headers={"Host": host, **headers})
        response = connection.getresponse()
        response.read()
        return response


def test_the_health_check_passes_while_other_hosts_are_refused(server):
    assert get(server, "/healthz", "10.0.3.7:8000").status == 200
    assert get(server, "/missing", "10.0.3.7:8000").status == 400


def test_no_response_names_the_server(server):
    for path in ("/healthz", "/missing"):
        assert get(server, path, "shop.example.com").getheader("Server") is None


def test_the_access_log_has_the_real_client_and_no_query_string(server):
    forwarded = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9"}
    assert get(server, "/forwarded?token=canary", "shop.example.com", **forwarded).status == 404
    line = server.line_of("/forwarded")
    assert (line["client"], line["method"], line["status"]) == ("203.0.113.9", "GET", 404)
    assert "canary" not in server.log.read_text()


def test_passed_health_checks_are_not_in_the_log(server):
    get(server, "/healthz", "10.0.3.7:8000")
    get(server, "/later", "shop.example.com")
    server.line_of("/later")
    assert not [line for line in server.lines() if line.get("path") == "/healthz"]

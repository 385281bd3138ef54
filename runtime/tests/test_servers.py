"""gunicorn and uvicorn for real, in front of the tests' project."""

import http.client
import json
from contextlib import closing

import django
import pytest

from servers import serving

COMMANDS = {
    "gunicorn": [
        *("gunicorn", "wsgi:application", "--bind", "127.0.0.1:{port}", "--worker-class", "gthread"),
        *("--threads", "2", "--keep-alive", "75", "--access-logfile", "-"),
    ],
    "uvicorn": ["uvicorn", "asgi:application", "--host", "127.0.0.1", "--port", "{port}", "--no-server-header"],
}


#: What WebService adds: no header of a client is a variable of the server.
NO_FORWARDER_HEADERS = ["--forwarder-headers="]


@pytest.fixture(scope="module", params=COMMANDS)
def server(request, tmp_path_factory):
    flags = NO_FORWARDER_HEADERS if request.param == "gunicorn" else []
    with serving(tmp_path_factory.mktemp(request.param), *COMMANDS[request.param], *flags) as server:
        yield server


def get(server, path, host, **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
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
    forwarded = {"X-Forwarded-For": "6.6.6.6, 127.0.0.9, 203.0.113.9"}
    assert get(server, "/forwarded?token=canary", "shop.example.com", **forwarded).status == 404
    line = server.line_of("/forwarded")
    assert (line["client"], line["method"], line["status"]) == ("203.0.113.9", "GET", 404)
    assert "canary" not in server.log.read_text()


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 127.0.0.7", "203.0.113.9"),
        ("127.0.0.9", "127.0.0.9"),
        ("6.6.6.6, 127.0.0.9, 203.0.113.9", "203.0.113.9"),  # What a client has written, then CloudFront.
        ("127.0.0.9, 2001:db8::1", "2001:db8::1"),
    ],
)
def test_remote_addr_is_the_client_under_both_servers(server, forwarded, client):
    request = ["GET /where/a HTTP/1.1", "Host: shop.example.com", f"X-Forwarded-For: {forwarded}", "Connection: close"]
    assert json.loads(server.answer(*request, whole=True).partition("\r\n\r\n")[2])["REMOTE_ADDR"] == client


def test_passed_health_checks_are_not_in_the_log(server):
    get(server, "/healthz", "10.0.3.7:8000")
    get(server, "/later", "shop.example.com")
    server.line_of("/later")
    assert not [line for line in server.lines() if line.get("path") == "/healthz"]


RESET = "/accounts/reset/MQ/c1abcd-0123456789abcdef0123456789abcdef/"


def test_a_link_that_resets_a_password_is_in_no_line_of_the_log(server):
    assert get(server, f"{RESET}?next=canary", "shop.example.com").status == 404
    assert server.line_of("/accounts/reset/*/*/")["status"] == 404
    assert "0123456789abcdef" not in server.log.read_text()


#: Headers that some server somewhere takes for the path, the prefix, the host or the client.
FOREIGN = [
    ["SCRIPT_NAME: /where"],
    ["SCRIPT_NAME: /wrong"],
    ["SCRIPT_NAME: /where", "SCRIPT_NAME: /where/where"],
    ["Script_Name: /where"],
    ["SCRIPT-NAME: /where"],
    ["SCRIPT_NAME : /where"],
    [" SCRIPT_NAME: /where"],
    ["SCRIPT_NAME:", " /where"],
    ["PATH_INFO: /where/admin/"],
    ["PATH-INFO: /where/admin/"],
    ["PATH_INFO: /a", "SCRIPT_NAME: /where", "PATH_INFO: /b"],
    ["HTTP_SCRIPT_NAME: /where"],
    ["RAW_URI: /where/admin/", "REQUEST_URI: /where/admin/"],
    ["X-Original-URL: /where/admin/", "X-Rewrite-URL: /where/admin/"],
    ["X-Forwarded-Prefix: /where", "X-Forwarded-Path: /where/admin/", "X-Script-Name: /where"],
    ["X-HTTP-Method-Override: DELETE"],
    ["REMOTE_ADDR: 6.6.6.6", "REMOTE-ADDR: 6.6.6.6"],
    ["Forwarded: for=6.6.6.6;host=evil.example;proto=https"],
    ["X-Forwarded-Host: evil.example"],
    ["X_Forwarded_Proto: https"],
    ["wsgi.url_scheme: https", "HTTPS: on"],
    ["Host: evil.example"],
    ["Transfer-Encoding: chunked", "Content-Length: 5"],
    ["Content-Length: 0", "Content-Length: 5"],
    ["Content-Length: +0"],
    ["Transfer-Encoding: xchunked"],
    ["no colon at all"],
    [": no name"],
    ["X-\xff\xfe: bytes"],
    ["X-Control: \x01\x7f"],
]


def paths_and_refusals(server, headers):
    """The places that Django believes a request to `/where/where/admin/` to be at; none where it was refused."""
    request = ["GET /where/where/admin/ HTTP/1.1", "Host: shop.example.com", *headers, "Connection: close"]
    answer = server.answer(*request, whole=True)
    if not answer:
        return []
    head, _, body = answer.partition("\r\n\r\n")
    status = int(head.split(None, 2)[1])
    assert status < 500 or status == 501  # of a transfer coding that load balancers do not let through
    return [json.loads(body)] if status == 200 else []


#: Before them, ASGI takes a header with an underscore for one with a hyphen. Our load balancer lets none through.
UNDERSCORES_ARE_TOLD = django.VERSION[:3] >= (6, 0, 4) or (5, 2, 13) <= django.VERSION[:3] < (6, 0)
HEADERS = [headers for headers in FOREIGN if UNDERSCORES_ARE_TOLD or headers != ["X_Forwarded_Proto: https"]]


@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: " | ".join(headers).encode("unicode_escape").decode())
def test_no_header_changes_the_path_the_host_or_the_client(server, headers):
    for place in paths_and_refusals(server, headers):
        assert (place["path"], place["PATH_INFO"]) == ("/where/where/admin/", "/where/where/admin/")
        assert (place["SCRIPT_NAME"], place["REMOTE_ADDR"], place["secure"]) == ("", "127.0.0.1", False)
    assert [line for line in server.lines() if line["levelname"] == "ERROR"] == []


def test_without_the_flag_a_header_of_a_client_moves_gunicorn_s_path(tmp_path):
    with serving(tmp_path, *COMMANDS["gunicorn"]) as server:
        [place] = paths_and_refusals(server, ["SCRIPT_NAME: /where"])
        assert (place["SCRIPT_NAME"], place["PATH_INFO"]) == ("/where", "/where/admin/")

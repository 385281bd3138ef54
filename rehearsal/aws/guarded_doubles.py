"""
Starts moto, the double of AWS's APIs, for the processes of one rehearsal alone: ``guarded_doubles.py PORT``.

moto answers whoever finds its port: it checks no signature and lets pages of every origin in. While a rehearsal
runs, any page in the developer's browser could read its secrets and post tasks. So a request must name this machine,
must not come from a page, and its path must begin with a token that only the rehearsal's own processes are told.
"""

from __future__ import annotations

import hmac
import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

LOOPBACK = "127.0.0.1"
#: What a process of this machine calls it. A page that made its own name point here still says its own name.
OWN_NAMES = {LOOPBACK, "localhost"}
#: WSGI's path, and the copies of it that werkzeug adds and moto reads.
PATHS = ("PATH_INFO", "RAW_URI", "REQUEST_URI")


class Guard:
    """Lets the rehearsal's own processes through, and takes the token off the path."""

    def __init__(self, application: Application, token: str) -> None:
        if not token:
            raise ValueError("the doubles need a token")
        self.application = application
        self.prefix = f"/{token}"

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not self._is_ours(environ):
            start_response("403 Forbidden", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        for name in PATHS:
            if name in environ:
                environ[name] = environ[name].replace(self.prefix, "", 1) or "/"
        return self.application(environ, start_response)

    def _is_ours(self, environ: Environ) -> bool:
        host = environ.get("HTTP_HOST", "").rsplit(":", 1)[0]
        prefix, _, _ = environ.get("PATH_INFO", "")[1:].partition("/")
        return (
            "HTTP_ORIGIN" not in environ
            and "HTTP_SEC_FETCH_SITE" not in environ
            and host in OWN_NAMES
            and hmac.compare_digest(f"/{prefix}".encode(), self.prefix.encode())
        )


class Messages:
    """
    Answers ``/rehearsal/messages/QUEUE`` with what is in a queue, whether somebody works on it or not.

    ReceiveMessage would count as a delivery, and shows no message that is being worked on.
    """

    PATH = "/rehearsal/messages/"

    def __init__(self, application: Application, bodies: Callable[[str], list[str]]) -> None:
        self.application = application
        self.bodies = bodies

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if not path.startswith(self.PATH):
            return self.application(environ, start_response)
        body = json.dumps(self.bodies(path[len(self.PATH) :])).encode()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]


def bodies_in_moto(name: str) -> list[str]:
    from moto.sqs.models import sqs_backends

    queues = [
        backend.queues[name]
        for account in list(sqs_backends.values())
        for backend in list(account.values())
        if name in backend.queues
    ]
    return [message.body for queue in queues for message in list(queue._messages)]


def main() -> None:
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    application = Messages(DomainDispatcherApplication(create_backend_app), bodies_in_moto)
    run_simple(LOOPBACK, int(sys.argv[1]), Guard(application, os.environ["DOUBLES_TOKEN"]), threaded=True)


if __name__ == "__main__":
    main()

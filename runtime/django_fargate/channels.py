"""
Authentication for Channels that survives the rotation of SECRET_KEY, and WebSockets that no stranger turns into errors.

Channels' own middleware compares a session with the current key alone and deletes it when that does not match:
after a rotation one WebSocket logs its user out everywhere. Its router raises an exception for a path that it does not
know, which is a 500 and a traceback in the log: whoever asks for enough of them rolls deployments back and wakes
people up.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlparse, urlsplit

from channels import auth, routing
from channels.db import database_sync_to_async
from channels.generic import websocket
from channels.security.websocket import OriginValidator
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.urls import re_path
from django.utils.crypto import constant_time_compare

from .masking import masked_path

logger = logging.getLogger(__name__)

#: WebSocket's own code for a message that is not what the application takes.
INVALID_DATA = 1007
#: What Django and Channels allow while DEBUG is on and ALLOWED_HOSTS is empty.
_DEVELOPMENT_HOSTS = ["localhost", "127.0.0.1", "[::1]"]


@database_sync_to_async
def get_user(scope: dict[str, Any]) -> Any:
    """The user of the scope's session by the current key or a fallback, else an anonymous one. Changes no session."""
    from django.contrib.auth.models import AnonymousUser  # needs the app registry

    session = scope["session"]
    backend_path = session.get(BACKEND_SESSION_KEY)
    if SESSION_KEY not in session or backend_path not in settings.AUTHENTICATION_BACKENDS:
        return AnonymousUser()
    user = load_backend(backend_path).get_user(get_user_model()._meta.pk.to_python(session[SESSION_KEY]))
    if user is None or not _belongs(session.get(HASH_SESSION_KEY), user):
        return AnonymousUser()
    return user


class AuthMiddleware(auth.AuthMiddleware):
    """Sets ``scope["user"]``. Needs SessionMiddleware around it."""

    async def resolve_scope(self, scope: Any) -> None:
        scope["user"]._wrapped = await get_user(scope)


def AuthMiddlewareStack(inner: Any) -> Any:  # noqa: N802 (named as the function of Channels that it stands in for)
    """Cookies, session and user, in place of ``channels.auth.AuthMiddlewareStack``."""
    return CookieMiddleware(SessionMiddleware(AuthMiddleware(inner)))


class URLRouter(routing.URLRouter):
    """
    Routes by path, and refuses a path that no route takes: 403 for a WebSocket, 404 for HTTP.

    Inside another router it lets that one try its further routes first, as the router of Channels does.
    """

    def __init__(self, routes: Iterable[Any]) -> None:
        super().__init__(list(routes))
        refuse: Any = _refuse  # an ASGI application, where Django's own routes have a view
        anything: Any = re_path("", refuse)
        self._outermost = routing.URLRouter([*self.routes, anything])

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        if "path_remaining" in scope:
            return await super().__call__(scope, receive, send)
        return await self._outermost(scope, receive, send)


class AllowedHostsOriginValidator(OriginValidator):
    """
    Takes WebSockets of pages of ALLOWED_HOSTS alone. An Origin that is no URL is refused as a wrong one is.

    Channels refuses by a consumer, which listens to the channel layer meanwhile: strangers would keep the cache busy.
    """

    def __init__(self, application: Any) -> None:
        hosts = list(settings.ALLOWED_HOSTS)
        super().__init__(application, hosts or (_DEVELOPMENT_HOSTS if settings.DEBUG else []))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> Any:
        origins = [value.decode("latin1") for name, value in scope.get("headers", []) if name == b"origin"]
        if not all(map(_is_url, origins)) or not self.valid_origin(urlparse(origins[-1]) if origins else None):
            return await _refuse(scope, receive, send)
        return await super().__call__(scope, receive, send)


class AsyncJsonWebsocketConsumer(websocket.AsyncJsonWebsocketConsumer):
    """Channels' own, but a message that is not JSON ends the connection (1007) and is no error of the application."""

    _refused = False

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None, **kwargs: Any) -> None:
        if self._refused:
            return  # It was on its way when the connection was closed.
        try:
            content = await self.decode_json(text_data or "")
        except (ValueError, RecursionError):
            logger.info(
                "A WebSocket was closed: its message is not JSON", extra={"path": masked_path(self.scope["path"])}
            )
            self._refused = True
            await self.close(INVALID_DATA)
            return
        await self.receive_json(content, **kwargs)


async def _refuse(scope: Any, receive: Any, send: Any) -> None:
    """Ends a request that nothing takes."""
    if scope["type"] == "websocket":
        # Before it is accepted this is a 403. uvicorn logs an error for a handshake that is answered in any other way.
        await receive()
        await send({"type": "websocket.close"})
        return
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b"Not Found\n"})


def _is_url(origin: str) -> bool:
    try:
        urlsplit(origin).port  # noqa: B018 (reads it for the exception alone)
    except ValueError:
        return False
    return True


def _belongs(session_hash: str | None, user: Any) -> bool:
    if not hasattr(user, "get_session_auth_hash"):
        return True
    if not session_hash:
        return False
    hashes = [user.get_session_auth_hash()]
    if hasattr(user, "get_session_auth_fallback_hash"):
        hashes.extend(user.get_session_auth_fallback_hash())
    return any(constant_time_compare(session_hash, expected) for expected in hashes)

"""
Authentication for Channels that survives the rotation of SECRET_KEY.

Channels' own middleware compares a session with the current key alone and deletes it when that does not match:
after a rotation one WebSocket logs its user out everywhere.
"""

from __future__ import annotations

from typing import Any

from channels import auth
from channels.db import database_sync_to_async
from channels.sessions import CookieMiddleware, SessionMiddleware
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.utils.crypto import constant_time_compare


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


def _belongs(session_hash: str | None, user: Any) -> bool:
    if not hasattr(user, "get_session_auth_hash"):
        return True
    if not session_hash:
        return False
    hashes = [user.get_session_auth_hash()]
    if hasattr(user, "get_session_auth_fallback_hash"):
        hashes.extend(user.get_session_auth_fallback_hash())
    return any(constant_time_compare(session_hash, expected) for expected in hashes)

"""
Sessions in the database that keep a replaced row for a while.

When a session was signed with a key that is now a fallback, Django replaces it and deletes the old row at once.
Requests that are on their way with the old cookie (a browser sends several at a time) find nothing and are logged out.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.utils import timezone

from . import GRACE_SECONDS


class SessionStore(db.SessionStore):
    """
    Django's own, but what a logged-in session leaves behind stays readable for 120 seconds.

    An anonymous session is deleted at once as ever, which is what protects a login from session fixation.
    After a change of password the old row no longer authenticates anybody, whether it is there or not.

    For a cookie that no session can have, the database is not asked: PostgreSQL refuses a NUL, which would be a 500.
    """

    def _validate_session_key(self, key: str | None) -> bool:
        return key is not None and len(key) >= 8 and key.isascii() and key.isalnum()

    def cycle_key(self) -> None:
        if SESSION_KEY not in self:
            return super().cycle_key()
        data, replaced = dict(self.items()), self.session_key
        self.create()
        self._session_cache = data
        if replaced:
            self.retire(replaced)
        return None

    async def acycle_key(self) -> None:
        if not await self.ahas_key(SESSION_KEY):
            return await super().acycle_key()
        data, replaced = dict(await self.aitems()), self.session_key
        await self.acreate()
        self._session_cache = data
        if replaced:
            await self.aretire(replaced)
        return None

    def retire(self, session_key: str) -> None:
        """Let a session end soon."""
        self._living(session_key).update(expire_date=_soon())

    async def aretire(self, session_key: str) -> None:
        """Let a session end soon."""
        await self._living(session_key).aupdate(expire_date=_soon())

    def _living(self, session_key: str) -> Any:
        """Nothing, if it ends sooner anyway: retiring must never lengthen a life."""
        return self.model.objects.filter(session_key=session_key, expire_date__gt=_soon())


def _soon() -> datetime:
    return timezone.now() + timedelta(seconds=GRACE_SECONDS)

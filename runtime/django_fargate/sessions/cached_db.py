"""As ``django_fargate.sessions.db``, with a cache in front."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.backends import cached_db
from django.contrib.sessions.backends.db import SessionStore as InDatabase
from django.core.cache.backends.base import BaseCache

from ..cache import is_cache_unavailable
from . import GRACE_SECONDS, db


class SessionStore(db.SessionStore, cached_db.SessionStore):
    """
    Django's own, but what a logged-in session leaves behind stays readable for 120 seconds, in the cache as well.

    While the cache is away, sessions are read from the database: Django's own raises, because it stores in the cache
    what it has read. A logout then fails, as it does there: the cache would still know the session when it is back.
    """

    _cache: BaseCache  # set by Django's own constructor

    # Where the cache has no such session, Django's own load() asks it once more, reads the database and stores what it
    # has read. It takes an error for a miss, so whether the cache is away must be known before.

    def load(self) -> dict[str, Any]:
        try:
            data = self._cache.get(self.cache_key)
        except Exception as error:
            return InDatabase.load(self) if is_cache_unavailable(error) else super().load()
        return super().load() if data is None else data

    async def aload(self) -> dict[str, Any]:
        try:
            data = await self._cache.aget(await self.acache_key())
        except Exception as error:
            return await InDatabase.aload(self) if is_cache_unavailable(error) else await super().aload()
        return await super().aload() if data is None else data

    def exists(self, session_key: str) -> bool:
        try:
            return super().exists(session_key)
        except Exception as error:
            if not is_cache_unavailable(error):
                raise
            return InDatabase.exists(self, session_key)

    async def aexists(self, session_key: str) -> bool:
        try:
            return await super().aexists(session_key)
        except Exception as error:
            if not is_cache_unavailable(error):
                raise
            return await InDatabase.aexists(self, session_key)

    def retire(self, session_key: str) -> None:
        # First the cache: while it is away, the request is refused, and its browser keeps a cookie whose session lives.
        self._cache.touch(self.cache_key_prefix + session_key, GRACE_SECONDS)
        super().retire(session_key)

    async def aretire(self, session_key: str) -> None:
        await self._cache.atouch(self.cache_key_prefix + session_key, GRACE_SECONDS)
        await super().aretire(session_key)

"""As ``django_fargate.sessions.db``, with a cache in front."""

from __future__ import annotations

from django.contrib.sessions.backends import cached_db
from django.core.cache.backends.base import BaseCache

from . import GRACE_SECONDS, db


class SessionStore(db.SessionStore, cached_db.SessionStore):
    """Django's own, but what a logged-in session leaves behind stays readable for 120 seconds, in the cache as well."""

    _cache: BaseCache  # set by Django's own constructor

    def retire(self, session_key: str) -> None:
        super().retire(session_key)
        self._cache.touch(self.cache_key_prefix + session_key, GRACE_SECONDS)

    async def aretire(self, session_key: str) -> None:
        await super().aretire(session_key)
        await self._cache.atouch(self.cache_key_prefix + session_key, GRACE_SECONDS)

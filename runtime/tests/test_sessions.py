import asyncio
from datetime import timedelta

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connection
from django.test import AsyncClient, Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conftest import KEYS
from django_fargate.sessions import cached_db, db

BACKEND = "django.contrib.auth.backends.ModelBackend"
ENGINES = ["django_fargate.sessions.db", "django_fargate.sessions.cached_db"]
ROTATED = override_settings(SECRET_KEY=KEYS["previous"], SECRET_KEY_FALLBACKS=[])


@pytest.fixture(params=ENGINES)
def engine(request):
    with override_settings(SESSION_ENGINE=request.param):
        yield {"django_fargate.sessions.db": db, "django_fargate.sessions.cached_db": cached_db}[request.param]
    caches["default"].clear()


def cookie_of_the_previous_key(user) -> str:
    """A session that was made before the key was rotated."""
    with ROTATED:
        client = Client()
        client.force_login(user, BACKEND)
        return client.cookies["sessionid"].value


def browser(session_key: str) -> Client:
    client = Client(headers={"host": "shop.example.com"})
    client.cookies["sessionid"] = session_key
    return client


@override_settings(SECRET_KEY_FALLBACKS=[KEYS["previous"]])
def test_parallel_requests_stay_logged_in_while_their_session_is_replaced(engine, user):
    session_key = cookie_of_the_previous_key(user)
    for _ in range(4):
        assert browser(session_key).get("/whoami").json() == {"authenticated": True}


@override_settings(SECRET_KEY_FALLBACKS=[KEYS["previous"]], SESSION_ENGINE="django.contrib.sessions.backends.db")
def test_with_django_s_own_engine_they_do_not(user):
    session_key = cookie_of_the_previous_key(user)
    answers = [browser(session_key).get("/whoami").json()["authenticated"] for _ in range(2)]
    assert answers == [True, False]


@override_settings(SECRET_KEY_FALLBACKS=[KEYS["previous"]])
def test_the_replaced_session_ends_within_two_minutes_and_the_new_one_is_another(engine, user):
    session_key = cookie_of_the_previous_key(user)
    client = browser(session_key)
    client.get("/whoami")
    replaced = Session.objects.get(session_key=session_key)
    assert timezone.now() + timedelta(seconds=110) < replaced.expire_date <= timezone.now() + timedelta(seconds=120)
    new = client.cookies["sessionid"].value
    assert new != session_key
    assert Session.objects.get(session_key=new).expire_date > timezone.now() + timedelta(days=13)
    with ROTATED:  # a task that still runs the previous key
        assert browser(session_key).get("/whoami").json() == {"authenticated": True}


@override_settings(SECRET_KEY_FALLBACKS=[KEYS["previous"]], ALLOWED_HOSTS=["testserver"])
def test_asynchronous_requests_stay_logged_in_too(engine, user):
    session_key = cookie_of_the_previous_key(user)

    async def request():
        client = AsyncClient()
        client.cookies["sessionid"] = session_key
        return (await client.get("/whoami")).json()["authenticated"]

    async def both():
        return [await request(), await request()]

    assert asyncio.run(both()) == [True, True]


def test_the_asynchronous_methods_do_the_same(engine, user):
    async def cycle():
        store = engine.SessionStore()
        await store.aset(SESSION_KEY, str(user.pk))
        await store.acreate()
        replaced = store.session_key
        await store.acycle_key()
        return replaced, store.session_key

    replaced, new = asyncio.run(cycle())
    assert replaced != new
    assert Session.objects.get(session_key=replaced).expire_date <= timezone.now() + timedelta(seconds=120)
    assert engine.SessionStore(new).load()[SESSION_KEY] == str(user.pk)


def test_the_cache_forgets_the_replaced_session_as_well(user, monkeypatch):
    kept = {}
    backend = type(caches["default"])
    monkeypatch.setattr(backend, "touch", lambda self, key, timeout: kept.update({key: timeout}))
    store = cached_db.SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store.create()
    replaced = store.session_key
    store.cycle_key()
    assert kept == {store.cache_key_prefix + replaced: 120}


def test_an_anonymous_session_is_deleted_at_once_when_it_logs_in(engine):
    store = engine.SessionStore()
    store["basket"] = [1]
    store.create()
    replaced = store.session_key
    store.cycle_key()
    assert store["basket"] == [1]
    assert not engine.SessionStore().exists(replaced)


def test_retiring_never_lengthens_a_life(engine, user):
    store = engine.SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store.set_expiry(30)
    store.create()
    replaced = store.session_key
    store.cycle_key()
    assert Session.objects.get(session_key=replaced).expire_date <= timezone.now() + timedelta(seconds=30)


def test_after_a_change_of_password_the_replaced_session_authenticates_nobody(engine, user):
    client = Client()
    client.force_login(user, BACKEND)
    session_key = client.cookies["sessionid"].value
    store = engine.SessionStore(session_key)
    assert store[BACKEND_SESSION_KEY] == BACKEND
    user.set_password("another-1843")
    user.save()
    store.cycle_key()
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.save()
    assert browser(store.session_key).get("/whoami").json() == {"authenticated": True}
    assert browser(session_key).get("/whoami").json() == {"authenticated": False}


def test_logging_out_deletes_the_session(engine, user):
    client = Client()
    client.force_login(user, BACKEND)
    session_key = client.cookies["sessionid"].value
    client.logout()
    assert browser(session_key).get("/whoami").json() == {"authenticated": False}


@pytest.mark.parametrize("cookie", ['"' + r"\000" * 32 + '"', "k" * 31 + "\u00e9", "../" * 11, "' OR 1=1 --" * 3])
def test_a_cookie_that_is_no_session_s_key_does_not_reach_the_database(engine, cookie):
    with CaptureQueriesContext(connection) as queries:
        answer = Client().get("/whoami", headers={"host": "shop.example.com", "cookie": f"sessionid={cookie}"})
    assert (answer.status_code, answer.json(), len(queries)) == (200, {"authenticated": False}, 0)

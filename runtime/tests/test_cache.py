"""The cache of the contract, against a real Valkey behind TLS."""

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from channels_redis.core import RedisChannelLayer
from cryptography.fernet import InvalidToken
from django.contrib.sessions.models import Session
from django.core.cache import caches as connections
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client, override_settings
from redis.exceptions import ConnectionError

import valkey_server
from conftest import KEYS
from django_fargate import environment as variables
from django_fargate import settings
from django_fargate.sessions.cached_db import SessionStore

OLD, NEW, OTHER = "o" * 50, "n" * 50, "x" * 50


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    running = valkey_server.Valkey(tmp_path_factory.mktemp("valkey"))
    yield running
    running.close()


@pytest.fixture
def cache(valkey, environment, monkeypatch):
    """Django's cache, as caches() says it, and trust in the certificate of this server."""
    environment(CACHE_URL=valkey.url)
    monkeypatch.setenv("SSL_CERT_FILE", str(valkey.certificate))
    with override_settings(CACHES=settings.caches()):
        yield connections["default"]
        monkeypatch.setenv("SSL_CERT_FILE", str(valkey.certificate))
        connections["default"].clear()


def get(path):
    return Client(headers={"host": "shop.example.com"}, raise_request_exception=False).get(path)


def test_the_cache_is_reached_over_tls_with_the_user_of_the_constructs(cache, valkey):
    assert cache.get_or_set("a", 1) == 1
    assert cache.incr("a") == 2
    cache.set_many({"b": 2, "c": 3})
    assert (cache.get_many(["b", "c"]), cache.touch("b", 9), cache.add("b", 5)) == ({"b": 2, "c": 3}, True, False)
    [client] = {cache._cache.get_client("a")}
    assert {key.split(b":")[0] for key in client.keys("*")} == {b"cache"}
    cache.clear()
    assert cache.get("a") is None


def test_another_prefix_is_another_cache(cache):
    cache.set("a", 1)
    with override_settings(CACHES=settings.caches(key_prefix="cache2")):
        assert connections["default"].get("a") is None


def test_sessions_of_cached_db_are_in_it_and_in_the_database(cache, valkey):
    session = SessionStore()
    session["who"] = "ada"
    session.save()
    key = session.cache_key_prefix + session.session_key
    assert cache.get(key)["who"] == "ada"
    cache.clear()
    assert SessionStore(session.session_key)["who"] == "ada"


def test_without_the_cache_pages_that_use_it_are_a_503_and_all_others_answer(cache, valkey, caplog):
    session = SessionStore()
    session["who"] = "ada"
    session.save()
    assert get("/cached").content == b"made"
    valkey.stop()
    try:
        began = time.monotonic()
        response = get("/cached")
        assert time.monotonic() - began < 8
        assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
        assert response.content == b"The cache is not available at the moment. Please try again shortly.\n"
        assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
            "The cache is unavailable"
        ]
        assert "canary" not in caplog.text
        assert get("/fields").status_code == 200
        assert SessionStore(session.session_key)["who"] == "ada"
        assert asyncio.run(SessionStore(session.session_key).aget("who")) == "ada"
        created = SessionStore()
        created.create()
        assert SessionStore().exists(str(created.session_key))
        assert asyncio.run(SessionStore().aexists(str(created.session_key)))
        with pytest.raises(ConnectionError):
            SessionStore(session.session_key).delete()
        client = AsyncClient(raise_request_exception=False)
        with override_settings(ALLOWED_HOSTS=["testserver"]):
            assert asyncio.run(client.get("/cached")).status_code == 503
    finally:
        valkey.start()
    assert get("/cached").status_code == 200


@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
def test_a_rotation_without_the_cache_leaves_the_session_to_the_cookie_that_the_browser_keeps(
    cache, valkey, user, is_async
):
    engine = override_settings(SESSION_ENGINE="django_fargate.sessions.cached_db")
    with engine, override_settings(SECRET_KEY=KEYS["previous"]):
        client = Client()
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    cookie = client.cookies["sessionid"].value
    expiry = Session.objects.get(session_key=cookie).expire_date
    rotated = override_settings(SECRET_KEY_FALLBACKS=[KEYS["previous"]], ALLOWED_HOSTS=["testserver"])

    def whoami():
        browser: Any = (AsyncClient if is_async else Client)(raise_request_exception=False)
        browser.cookies["sessionid"] = cookie
        return asyncio.run(browser.get("/whoami")) if is_async else browser.get("/whoami")

    with engine, rotated:
        valkey.stop()
        try:
            assert whoami().status_code == 503
            assert Session.objects.get(session_key=cookie).expire_date == expiry
        finally:
            valkey.start()
        assert whoami().json() == {"authenticated": True}
        assert Session.objects.get(session_key=cookie).expire_date < expiry


def test_a_wrong_password_is_an_error_because_waiting_does_not_help(cache, valkey, monkeypatch):
    monkeypatch.setenv("CACHE_URL", valkey.url.replace("J3kX", "xxxx"))
    with override_settings(CACHES=settings.caches()):
        assert get("/cached").status_code == 500


def test_a_certificate_that_nobody_vouches_for_is_an_error(cache, valkey, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with override_settings(CACHES=settings.caches()):
        assert get("/cached").status_code == 500


def test_nor_is_one_for_another_host(cache, valkey, monkeypatch):
    monkeypatch.setenv("CACHE_URL", valkey.url.replace("localhost", "localhost.localdomain"))
    monkeypatch.setattr("socket.getaddrinfo", _localhost())
    with override_settings(CACHES=settings.caches()):
        assert get("/cached").status_code == 500


def _localhost():
    import socket

    real = socket.getaddrinfo
    return lambda host, *given, **options: real("localhost", *given, **options)


def layer(**keys):
    from channels.layers import ChannelLayerManager

    with override_settings(CHANNEL_LAYERS=settings.channel_layers(**keys)):
        return ChannelLayerManager()["default"]


@pytest.mark.parametrize("encrypt", [False, True], ids=["plain", "encrypted"])
def test_a_message_to_a_group_reaches_another_process(cache, environment, valkey, encrypt):
    environment(CACHE_URL=valkey.url, DJANGO_SECRET_KEY=NEW)

    async def sent():
        here, there = layer(encrypt=encrypt), layer(encrypt=encrypt)
        name = await there.new_channel()
        await there.group_add("room", name)
        await here.group_send("room", {"type": "chat.message", "text": "canary"})
        received = await asyncio.wait_for(there.receive(name), 10)
        await here.close_pools()
        await there.close_pools()
        return received

    assert asyncio.run(sent()) == {"type": "chat.message", "text": "canary"}


@pytest.mark.parametrize(("sender", "receiver"), [("old", "new"), ("new", "old"), ("new", "stranger")])
def test_tasks_of_before_and_after_a_rotation_read_each_other(cache, environment, valkey, sender, receiver):
    documents = {
        "old": f'{{"key": "{OLD}", "next": "{NEW}", "fallbacks": []}}',
        "new": f'{{"key": "{NEW}", "fallbacks": ["{OLD}"]}}',
        "stranger": f'{{"key": "{OTHER}", "fallbacks": []}}',
    }
    layers = {}
    for who in (sender, receiver):
        environment(CACHE_URL=valkey.url, DJANGO_SECRET_KEYS=documents[who])
        layers[who] = settings.channel_layers(encrypt=True)

    async def sent():
        from channels_redis.core import RedisChannelLayer

        here, there = (RedisChannelLayer(**layers[who]["default"]["CONFIG"]) for who in (sender, receiver))
        name = await there.new_channel()
        await here.send(name, {"type": "x"})
        try:
            return await asyncio.wait_for(there.receive(name), 10)
        finally:
            await here.close_pools()
            await there.close_pools()

    if receiver == "stranger":
        with pytest.raises(InvalidToken):
            asyncio.run(sent())
    else:
        assert asyncio.run(sent()) == {"type": "x"}


@pytest.mark.filterwarnings("ignore:Call to deprecated setex:DeprecationWarning")  # Celery's own
def test_celery_keeps_results_in_it(cache, valkey):
    from celery import Celery

    app = Celery("shop", backend=settings.result_backend(), broker="memory://", set_as_current=False)
    assert settings.result_backend() == f"{valkey.url}?ssl_cert_reqs=required&ssl_check_hostname=true"
    backend: Any = app.backend
    backend.store_result("task-1", {"sum": 3}, "SUCCESS")
    assert backend.get_task_meta("task-1")["result"] == {"sum": 3}
    backend.client.connection_pool.disconnect()


def test_celery_takes_no_certificate_for_another_host(cache, valkey, monkeypatch):
    from celery import Celery

    monkeypatch.setenv("CACHE_URL", valkey.url.replace("localhost", "localhost.localdomain"))
    monkeypatch.setattr("socket.getaddrinfo", _localhost())
    app = Celery("shop", backend=settings.result_backend(), broker="memory://", set_as_current=False)
    backend: Any = app.backend
    with pytest.raises(ConnectionError, match="Hostname mismatch"):
        backend.client.ping()


def test_a_server_without_tls_on_a_developers_machine_takes_no_options_of_tls(environment):
    environment(CACHE_URL="redis://localhost:6379/0")
    assert not [name for name in settings.caches()["default"]["OPTIONS"] if name.startswith("ssl")]
    [host] = settings.channel_layers()["default"]["CONFIG"]["hosts"]
    assert not [name for name in host if name.startswith("ssl")]
    assert settings.result_backend() == "redis://localhost:6379/0"


def test_the_channel_layer_gives_up_later_than_it_waits_for_a_message(environment):
    environment(CACHE_URL="redis://localhost:6379/0")
    [host] = settings.channel_layers()["default"]["CONFIG"]["hosts"]
    assert host["socket_timeout"] >= 2 * RedisChannelLayer.brpop_timeout


@pytest.mark.parametrize("make", [settings.caches, settings.channel_layers, settings.result_backend])
def test_a_missing_variable_is_said_by_name(environment, make):
    environment()
    with pytest.raises(ImproperlyConfigured, match=r"CACHE_URL is not set\. The secret of the cache sets it \(Cache"):
        make()


@pytest.mark.parametrize(
    ("make", "package"),
    [
        (lambda: settings.caches(), "redis>=5"),
        (lambda: settings.result_backend(), "redis>=5"),
        (lambda: settings.channel_layers(), "channels_redis>=4.2"),
        (lambda: settings.storages(staticfiles="x"), "django-storages[s3]>=1.14"),
        (lambda: settings.storages(), "whitenoise>=6.4"),
        (lambda: settings.mail("django-ses"), "django-ses>=4.4"),
    ],
)
def test_what_is_not_installed_is_said_by_name(environment, monkeypatch, make, package):
    environment(CACHE_URL="rediss://cache", AWS_STORAGE_BUCKET_NAME="b", AWS_S3_REGION_NAME="r")
    monkeypatch.setattr(variables, "find_spec", lambda name: None)
    with pytest.raises(ImproperlyConfigured) as refused:
        make()
    assert f"Run pip install '{package}'." in str(refused.value)
    assert f'"{package}"' in (Path(__file__).parent.parent / "pyproject.toml").read_text()


def test_settings_import_nothing_of_what_they_configure():
    program = "import sys, django_fargate.settings as s, django_fargate.checks\n"
    program += (
        "heavy = {'redis', 'channels', 'channels_redis', 'storages', 'boto3', 'celery', 'anymail', 'django_ses'}\n"
    )
    program += "print(sorted(heavy & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[]"

"""What other packages make of the variables that the constructs set."""

import json
import os
from pathlib import Path

import dj_database_url
import environ
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.utils import ConnectionHandler

#: Written by the handlers of the constructs, which test/handlers/database-url.test.ts checks.
URLS = json.loads((Path(__file__).parent / "database_urls.json").read_text())


@pytest.mark.parametrize("row", URLS, ids=["plain", "odd"])
@pytest.mark.parametrize(
    "read",
    [lambda: dj_database_url.config(), lambda: environ.Env().db()],
    ids=["dj-database-url", "django-environ"],
)
def test_the_address_of_the_database_is_read_as_it_was_meant(monkeypatch, row, read):
    monkeypatch.setenv("DATABASE_URL", row["url"])
    database = read()
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert {
        "username": database["USER"],
        "password": database["PASSWORD"],
        "host": database["HOST"],
        "port": int(database["PORT"]),
        "dbname": database["NAME"],
    } == row["login"]
    assert database["OPTIONS"] == {"sslmode": "verify-full"}


def test_django_connects_with_it(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", URLS[0]["url"])
    wrapper = ConnectionHandler({"default": environ.Env().db()})["default"]
    assert isinstance(wrapper, DatabaseWrapper)
    parameters = wrapper.get_connection_params()
    assert (parameters["user"], parameters["port"], parameters["sslmode"]) == ("django_a", 15432, "verify-full")


@pytest.mark.parametrize("name", ["CACHE_URL", "REDIS_URL"])
def test_the_address_of_the_cache_is_one_for_django(monkeypatch, name):
    monkeypatch.setenv(name, "rediss://django:J3kX-_9zQ@cache.internal:6379/0")
    assert environ.Env().cache(name) == {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": os.environ[name],
    }


@pytest.mark.parametrize("scheme", ["ses", "ses+https", "anymail"])
def test_no_address_of_mail_can_name_amazon_ses(monkeypatch, scheme):
    monkeypatch.setenv("EMAIL_URL", f"{scheme}://")
    with pytest.raises(ImproperlyConfigured, match="Invalid email schema"):
        environ.Env().email_url()

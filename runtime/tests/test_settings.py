import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory, override_settings

from django_fargate import settings

DATABASE = {
    "DATABASE_HOST": "db.internal",
    "DATABASE_PORT": "5433",
    "DATABASE_NAME": "shop",
    "DATABASE_USER": "shop_a",
    "DATABASE_PASSWORD": "canary-password",
    "PGSSLMODE": "verify-full",
    "PGSSLROOTCERT": "/etc/ssl/certs/rds-global-bundle.pem",
}


def test_the_database_is_verified_over_tls_and_its_connections_are_kept(environment):
    environment(**DATABASE)
    database = settings.database()
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert [database[name] for name in ("HOST", "PORT", "NAME", "USER", "PASSWORD")] == list(DATABASE.values())[:5]
    assert database["OPTIONS"] == {
        "connect_timeout": 5,
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ssl/certs/rds-global-bundle.pem",
    }
    assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (60, True)


def test_under_asgi_a_connection_ends_with_its_request(environment):
    environment(**DATABASE)
    assert settings.database(asgi=True)["CONN_MAX_AGE"] == 0


@pytest.mark.parametrize("process", ["web", "asgi"])
def test_a_server_process_has_a_pool_of_as_many_connections_as_the_construct_counts(
    environment, monkeypatch, process, caplog
):
    environment(**DATABASE, DJANGO_FARGATE_PROCESS=process, DJANGO_FARGATE_CONNECTIONS="10")
    monkeypatch.setattr("django_fargate.environment.find_spec", lambda name: object())
    database = settings.database()
    assert database["OPTIONS"]["pool"]["max_size"] == 10
    # One after the other, until none is left, within ten minutes.
    assert database["OPTIONS"]["pool"]["min_size"] == 0
    assert 10 * database["OPTIONS"]["pool"]["max_idle"] < settings.IDLE < 600
    assert (database["CONN_MAX_AGE"], database["CONN_HEALTH_CHECKS"]) == (0, True)
    assert settings.database(pool=3)["OPTIONS"]["pool"]["max_size"] == 3
    assert caplog.messages == []
    monkeypatch.setattr("django_fargate.environment.find_spec", lambda name: None)
    without = settings.database()
    assert "pool" not in without["OPTIONS"]
    assert without["CONN_MAX_AGE"] == 0
    [message] = caplog.messages
    assert message.startswith("psycopg[pool] is not installed: each thread of this server may hold a connection")


def test_without_replicas_there_is_one_database(environment):
    environment(**DATABASE)
    assert settings.databases() == {"default": settings.database()}
    assert settings.databases(asgi=True)["default"]["CONN_MAX_AGE"] == 0


def test_replicas_are_one_further_database_with_the_same_login(environment, monkeypatch):
    environment(**DATABASE, DATABASE_REPLICA_HOST="one.internal,two.internal, three.internal")
    orders = {settings.databases()["replica"]["HOST"] for _ in range(100)}
    assert {tuple(sorted(order.split(","))) for order in orders} == {("one.internal", "three.internal", "two.internal")}
    assert len(orders) == 6
    default, replica = settings.databases().values()
    assert default == settings.database()
    changed = {name for name, value in replica.items() if default.get(name) != value}
    assert changed == {"HOST", "OPTIONS", "TEST"}
    assert replica["TEST"] == {"MIRROR": "default"}
    assert replica["OPTIONS"] == {**default["OPTIONS"], "connect_timeout": 2, "tcp_user_timeout": 2000}
    monkeypatch.setattr("django_fargate.environment.find_spec", lambda name: object())
    pools = [database["OPTIONS"]["pool"] for database in settings.databases(pool=3).values()]
    assert [pool["timeout"] for pool in pools] == [10, 2]
    assert pools[0]["connection_class"] is not pools[1]["connection_class"]


def test_django_accepts_several_replicas(environment):
    from django.db.utils import ConnectionHandler

    environment(**DATABASE, DATABASE_REPLICA_HOST="one.internal,two.internal")
    parameters = ConnectionHandler(settings.databases())["replica"].get_connection_params()
    assert (sorted(parameters["host"].split(",")), parameters["port"]) == (["one.internal", "two.internal"], "5433")


@pytest.mark.parametrize("size", ["many", "0", "-1"])
def test_a_pool_of_no_size_is_refused(environment, monkeypatch, size):
    environment(**DATABASE, DJANGO_FARGATE_PROCESS="web", DJANGO_FARGATE_CONNECTIONS=size)
    monkeypatch.setattr("django_fargate.environment.find_spec", lambda name: object())
    problem = f"must be a whole number from 1 on, got '{size}'"
    remedy = "`connectionsPerProcess` of `web` and `asgi` sets it"
    with pytest.raises(ImproperlyConfigured, match=f"DJANGO_FARGATE_CONNECTIONS {problem}. {remedy}"):
        settings.database()


def test_other_processes_have_no_pool(environment):
    environment(**DATABASE, DJANGO_FARGATE_PROCESS="worker", DJANGO_FARGATE_CONNECTIONS="10")
    assert "pool" not in settings.database()["OPTIONS"]
    assert settings.database()["CONN_MAX_AGE"] == 60


def test_django_accepts_the_database(environment):
    from django.db.backends.postgresql.base import DatabaseWrapper
    from django.db.utils import ConnectionHandler

    environment(**DATABASE)
    wrapper = ConnectionHandler({"default": settings.database()})["default"]
    assert isinstance(wrapper, DatabaseWrapper)
    parameters = wrapper.get_connection_params()
    assert (parameters["sslmode"], parameters["port"], parameters["connect_timeout"]) == ("verify-full", "5433", 5)


@pytest.mark.parametrize("name", DATABASE)
def test_a_missing_variable_is_named_with_what_sets_it_and_without_values(environment, name):
    environment(**{key: value for key, value in DATABASE.items() if key != name})
    with pytest.raises(ImproperlyConfigured) as error:
        settings.database()
    assert f"{name} is not set" in str(error.value)
    assert "PostgresDatabase" in str(error.value)
    assert "canary" not in str(error.value)


def test_without_tls_variables_there_are_no_tls_options(environment):
    environment(**{name: value for name, value in DATABASE.items() if not name.startswith("PGSSL")})
    assert settings.database()["OPTIONS"] == {"connect_timeout": 5}


def keys(environment, document):
    environment(DJANGO_SECRET_KEYS=json.dumps(document), DJANGO_SECRET_KEY="ignored")
    return settings.secret_keys()


def test_before_the_first_rotation_there_is_one_key(environment):
    assert keys(environment, {"key": "k1", "fallbacks": []}) == ("k1", [])


def test_the_announced_key_is_a_fallback_and_comes_first(environment):
    assert keys(environment, {"key": "k2", "next": "k3", "fallbacks": ["k1", "k0"]}) == ("k2", ["k3", "k1", "k0"])


def test_a_fallback_is_listed_once_and_is_never_the_key(environment):
    assert keys(environment, {"key": "k2", "next": "k1", "fallbacks": ["k1", "k2"]}) == ("k2", ["k1"])


def test_without_a_document_the_single_key_is_used(environment):
    environment(DJANGO_SECRET_KEY="k1")
    assert settings.secret_keys() == ("k1", [])


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("{canary", "is not valid JSON"),
        ('["canary"]', "is not a JSON object"),
        ('{"next":"canary"}', "has no `key`"),
        ('{"key":"canary","fallbacks":"canary"}', "has `fallbacks` that are not a list of strings"),
        ('{"key":"canary","next":1}', "has a `next` that is not a string"),
        ("", "is empty"),
    ],
)
def test_a_malformed_document_is_refused_without_being_shown(environment, document, problem):
    environment(DJANGO_SECRET_KEYS=document, DJANGO_SECRET_KEY="canary")
    with pytest.raises(ImproperlyConfigured, match="DJANGO_SECRET_KEYS") as error:
        settings.secret_keys()
    assert problem in str(error.value)
    assert "canary" not in str(error.value)
    assert error.value.__context__ is None or error.value.__suppress_context__


def test_there_is_no_key_to_fall_back_on(environment):
    environment()
    with pytest.raises(ImproperlyConfigured, match=r"DJANGO_SECRET_KEY is not set. The secret of the key sets it"):
        settings.secret_keys()


def test_hosts_and_origins_are_lists(environment):
    environment(
        DJANGO_ALLOWED_HOSTS="shop.example.com, www.example.com,",
        DJANGO_CSRF_TRUSTED_ORIGINS="https://shop.example.com",
    )
    assert settings.allowed_hosts() == ["shop.example.com", "www.example.com"]
    assert settings.csrf_trusted_origins() == ["https://shop.example.com"]


def test_no_host_at_all_is_allowed_every_host_is_not(environment):
    environment(DJANGO_ALLOWED_HOSTS="")
    assert settings.allowed_hosts() == []
    environment(DJANGO_ALLOWED_HOSTS="*")
    with pytest.raises(ImproperlyConfigured, match="allows every host"):
        settings.allowed_hosts()


def test_an_origin_without_a_scheme_is_refused(environment):
    environment(DJANGO_CSRF_TRUSTED_ORIGINS="shop.example.com")
    with pytest.raises(ImproperlyConfigured, match="without a scheme"):
        settings.csrf_trusted_origins()


@pytest.mark.parametrize(
    ("origins", "secure"),
    [
        ("", True),
        ("https://shop.example.com", True),
        ("http://lb.example.com", False),
        ("http://a.b,https://c.d", True),
    ],
)
def test_cookies_are_for_https_unless_every_origin_is_plain_http(environment, origins, secure):
    environment(DJANGO_CSRF_TRUSTED_ORIGINS=origins)
    assert settings.secure_cookies() is secure


def test_a_process_without_its_variables_ends_with_their_name():
    code = "from django_fargate.settings import database; database()"
    result = subprocess.run([sys.executable, "-c", code], env={}, capture_output=True, text=True)
    assert result.returncode == 1
    assert "DATABASE_HOST is not set" in result.stderr


def is_secure(**headers):
    with override_settings(SECURE_PROXY_SSL_HEADER=settings.secure_proxy_ssl_header()):
        return RequestFactory().get("/", headers=headers).is_secure()


def test_behind_the_load_balancer_its_own_header_says_who_came_over_https(environment):
    environment()
    assert settings.secure_proxy_ssl_header() == ("HTTP_X_FORWARDED_PROTO", "https")
    assert is_secure(x_forwarded_proto="https")
    assert not is_secure(x_forwarded_proto="http", cloudfront_forwarded_proto="https")
    assert not is_secure(cloudfront_forwarded_proto="https")


def test_behind_cloudfront_its_header_says_who_came_over_https(environment):
    environment(SECURE_PROXY_SSL_HEADER="CloudFront-Forwarded-Proto")
    assert settings.secure_proxy_ssl_header() == ("HTTP_CLOUDFRONT_FORWARDED_PROTO", "https")
    # What the load balancer says is how CloudFront came to it.
    assert is_secure(x_forwarded_proto="http", cloudfront_forwarded_proto="https")
    assert not is_secure(x_forwarded_proto="https", cloudfront_forwarded_proto="http")


def test_the_module_offers_what_the_readme_names():
    page = (Path(__file__).parent.parent / "README.md").read_text()
    [row] = re.findall(r"^\| `settings` \| (.*) \|$", page, re.MULTILINE)
    assert sorted({*re.findall(r"`(\w+)\(\)`", row), "process"}) == settings.__all__

"""What `manage.py check --deploy` says of settings that do not use what the stack has made."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.checks import Warning, run_checks
from django.test import override_settings

from django_fargate import checks, settings
from django_fargate.mail import has_mailers
from django_fargate.replicas import ReplicaRouter

STACK = {
    "DJANGO_FARGATE_PROCESS": "web",
    "CACHE_URL": "rediss://django:p@cache:6379/0",
    "AWS_STORAGE_BUCKET_NAME": "shop-media",
    "AWS_S3_REGION_NAME": "eu-central-1",
    "STATIC_FILES_BUCKET_NAME": "shop-static",
    "AWS_SES_REGION_NAME": "eu-central-1",
    "DEFAULT_FROM_EMAIL": "no-reply@shop.example.com",
}
LOCAL = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
DUMMY = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
FOLDER = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}, "staticfiles": {"BACKEND": "x"}}
MEMORY = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
ALL = [checks.check_cache, checks.check_sessions, checks.check_files, checks.check_mail]
ALL += [checks.check_channels, checks.check_keys, checks.check_static_files, checks.check_replicas]


def found(**changed):
    with override_settings(**changed):
        messages = [message for check in ALL for message in check()]
    assert all(isinstance(message, Warning) and message.hint for message in messages)
    return [str(message.id).removeprefix("django_fargate.") for message in messages]


def by_helpers():
    """The settings of a project that uses all of runtime/."""
    return {
        "CACHES": settings.caches(),
        "CHANNEL_LAYERS": settings.channel_layers(),
        "STORAGES": settings.storages(),
        "SESSION_ENGINE": "django_fargate.sessions.cached_db",
        **settings.mail("django-ses"),
    }


def test_nothing_is_found_where_the_helpers_are_used(environment):
    environment(**STACK)
    assert found(**by_helpers()) == []
    assert found(**{**by_helpers(), **settings.mail("django-anymail"), "ADMINS": [("Ada", "ada@example.com")]}) == []


ROUTERS = ["django_fargate.replicas.ReplicaRouter"]
OURS, SESSIONS = "django_fargate.middleware.ReplicaMiddleware", "django.contrib.sessions.middleware.SessionMiddleware"


@pytest.mark.parametrize(
    ("changed", "ids"),
    [
        ({}, ["W012"]),
        ({"DATABASE_ROUTERS": ROUTERS}, ["W012"]),
        ({"DATABASES": {"replica": {}}}, ["W012"]),
        ({"DATABASES": {"replica": {}}, "DATABASE_ROUTERS": ROUTERS, "MIDDLEWARE": [SESSIONS]}, ["W012"]),
        ({"DATABASES": {"replica": {}}, "DATABASE_ROUTERS": ROUTERS, "MIDDLEWARE": [SESSIONS, OURS]}, ["W013"]),
        ({"DATABASES": {"replica": {}}, "DATABASE_ROUTERS": ROUTERS, "MIDDLEWARE": [OURS, SESSIONS]}, []),
        ({"DATABASES": {"replica": {}}, "DATABASE_ROUTERS": [ReplicaRouter()], "MIDDLEWARE": [OURS]}, []),
        (
            {
                "DATABASES": {"default": {"ATOMIC_REQUESTS": True}, "replica": {}},
                "DATABASE_ROUTERS": ROUTERS,
                "MIDDLEWARE": [OURS, SESSIONS],
            },
            ["W012"],
        ),
    ],
)
def test_replicas_are_read_from_and_the_middleware_stands_before_what_writes(environment, monkeypatch, changed, ids):
    environment(DATABASE_REPLICA_HOST="replica")
    for name, value in changed.items():
        monkeypatch.setattr(django_settings, name, value)  # DATABASES cannot be overridden
    assert [message.id for message in checks.check_replicas()] == [f"django_fargate.{each}" for each in ids]
    environment()
    assert checks.check_replicas() == []


def test_nothing_is_found_outside_of_a_stack(environment):
    environment()
    assert found(CACHES=LOCAL, STORAGES=FOLDER, CHANNEL_LAYERS=MEMORY, AWS_ACCESS_KEY_ID="x") == []


def test_nothing_is_found_in_a_stack_without_these_parts(environment):
    environment(DJANGO_FARGATE_PROCESS="web")
    assert found(CACHES=LOCAL, STORAGES=FOLDER, SESSION_ENGINE="django.contrib.sessions.backends.db") == []


def sending(backend, host=None):
    """The settings for a backend, as this Django reads them."""
    if has_mailers():
        return {"MAILERS": {"default": {"BACKEND": backend, "OPTIONS": {"host": host} if host else {}}}}
    return {"EMAIL_BACKEND": backend, **({"EMAIL_HOST": host} if host else {})}


REDIS = {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "rediss://cache:6379/0"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"CACHES": LOCAL, "SESSION_ENGINE": "django.contrib.sessions.backends.db"}, ["W001"]),
        ({"CACHES": DUMMY}, ["W001"]),
        ({"CACHES": DUMMY, "SESSION_ENGINE": "django.contrib.sessions.backends.cache"}, ["W001", "W003"]),
        ({"CACHES": LOCAL}, ["W001", "W003"]),
        ({"CACHES": LOCAL, "SESSION_ENGINE": "django.contrib.sessions.backends.cache"}, ["W001", "W003"]),
        ({"CACHES": {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache"}}}, []),
        ({"CACHES": {"default": REDIS}}, []),
        ({"CACHES": {"default": {**REDIS, "OPTIONS": {"ssl_cert_reqs": None}}}}, ["W002"]),
        ({"CACHES": {"default": {**REDIS, "OPTIONS": {"ssl_cert_reqs": "none"}}}}, ["W002"]),
        ({"CACHES": {"default": {**REDIS, "OPTIONS": {"CONNECTION_POOL_KWARGS": {"ssl_cert_reqs": None}}}}}, ["W002"]),
        ({"CACHES": {"default": {**REDIS, "LOCATION": ["rediss://a", "rediss://b"]}}}, []),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.file"}, ["W003"]),
        ({"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"}, []),
        ({"STORAGES": FOLDER}, ["W004"]),
        ({"STORAGES": {"default": {"BACKEND": "no.such.Storage"}}}, []),
        (sending("django.core.mail.backends.smtp.EmailBackend", "localhost"), ["W005"]),
        (sending("django.core.mail.backends.smtp.EmailBackend", "smtp.example.com"), []),
        (sending("django.core.mail.backends.console.EmailBackend"), ["W005"]),
        ({"DEFAULT_FROM_EMAIL": "webmaster@localhost"}, ["W006"]),
        ({"SERVER_EMAIL": "root@localhost"}, []),
        ({"SERVER_EMAIL": "root@localhost", "ADMINS": [("Ada", "ada@example.com")]}, ["W006"]),
        ({"AWS_SES_AUTO_THROTTLE": 0.5}, ["W007"]),
        ({"CHANNEL_LAYERS": MEMORY}, ["W008"]),
        ({"AWS_SECRET_ACCESS_KEY": "x", "AWS_ACCESS_KEY_ID": "x"}, ["W009"]),
    ],
)
def test_each_fault_has_its_number(environment, changed, expected):
    environment(**STACK)
    assert found(**{**by_helpers(), **changed}) == expected


@pytest.mark.parametrize(
    ("mailers", "expected"),
    [
        ({"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": {"host": "localhost"}}, ["W005"]),
        ({"BACKEND": "django.core.mail.backends.smtp.EmailBackend", "OPTIONS": {"host": "smtp.example.com"}}, []),
        ({"OPTIONS": {"host": "smtp.example.com"}}, []),
        ({"BACKEND": "django.core.mail.backends.console.EmailBackend"}, ["W005"]),
        ({"BACKEND": "django_ses.SESBackend"}, []),
    ],
)
def test_on_django_61_mailers_count_in_place_of_email_backend(environment, monkeypatch, mailers, expected):
    monkeypatch.setattr("django.VERSION", (6, 1, 0, "final", 0))
    environment(**STACK)
    sender = {"DEFAULT_FROM_EMAIL": "a@shop.example.com", "AWS_SES_AUTO_THROTTLE": None}
    with override_settings(MAILERS={"default": mailers}, **sender):
        messages = checks.check_mail()
    assert [str(message.id).removeprefix("django_fargate.") for message in messages] == expected
    assert all("take EMAIL_BACKEND and EMAIL_HOST out" in str(message.hint) for message in messages)


def test_the_hint_says_what_the_stack_lacks(environment):
    environment(DJANGO_FARGATE_PROCESS="asgi")
    with override_settings(CHANNEL_LAYERS=MEMORY):
        [message] = checks.check_channels()
    assert str(message.hint).endswith("the stack has no cache yet: add `cache: {}`.")
    engine = {"SESSION_ENGINE": "django_fargate.sessions.cached_db"}
    with override_settings(CACHES=LOCAL, **engine):
        [message] = checks.check_sessions()
    assert str(message.hint).endswith("the stack has no cache yet: add `cache: {}`.")
    environment(**STACK)
    with override_settings(CACHES=LOCAL, **engine):
        [message] = checks.check_sessions()
    assert str(message.hint).endswith("with CACHES = caches().")


@pytest.mark.parametrize(
    ("options", "others", "expected"),
    [
        ({"custom_domain": "d1.cloudfront.net", "location": "media"}, {}, None),
        ({"custom_domain": "d1.cloudfront.net"}, {}, "lead to the application"),
        ({"location": "media"}, {}, "lead to S3"),
        ({}, {"AWS_S3_CUSTOM_DOMAIN": "d1.cloudfront.net", "AWS_LOCATION": "media"}, None),
        ({}, {"AWS_S3_CUSTOM_DOMAIN": "d1.cloudfront.net"}, "lead to the application"),
        ({"custom_domain": "files.example.com"}, {}, None),
    ],
)
def test_addresses_that_the_distribution_does_not_serve(environment, options, others, expected):
    environment(**STACK, AWS_S3_CUSTOM_DOMAIN="d1.cloudfront.net")
    default = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    with override_settings(STORAGES={"default": default}, **others):
        messages = checks.check_files()
    assert [message.id for message in messages] == ([] if expected is None else ["django_fargate.W010"])
    assert all(expected in str(message.msg) for message in messages)
    environment(**STACK)
    with override_settings(STORAGES={"default": default}, **others):
        assert checks.check_files() == []


def test_what_happens_to_sessions_is_said_as_it_is(environment):
    environment(**STACK)
    said = {}
    for engine in ("django.contrib.sessions.backends.cache", "django_fargate.sessions.cached_db"):
        with override_settings(CACHES=LOCAL, SESSION_ENGINE=engine):
            [message] = checks.check_sessions()
        said[engine.rsplit(".", 1)[1]] = str(message.msg)
    assert said["cache"].endswith("whoever logs in is logged out by the next task.")
    assert said["cached_db"].endswith("whoever logs out stays logged in to the others.")


def test_the_table_of_the_readme_has_them_all():
    root = Path(__file__).parent.parent
    made = re.findall(r"_warning\(\s*(\d+),", (root / "django_fargate" / "checks.py").read_text())
    said = re.findall(r"^\| `django_fargate\.W(\d{3})` \|", (root / "README.md").read_text(), re.MULTILINE)
    assert len(made) > 8
    assert said == sorted({f"{int(number):03}" for number in made})


def test_they_belong_to_a_deployment_alone(environment):
    environment(**STACK)
    checks.register_all()
    with override_settings(CACHES=LOCAL, **settings.mail("django-ses")):
        ids = [{message.id for message in run_checks(include_deployment_checks=deploy)} for deploy in (False, True)]
    assert [any(str(each).startswith("django_fargate.") for each in found) for found in ids] == [False, True]


def test_the_app_adds_them_to_check_deploy(tmp_path):
    program = """
from django.conf import settings
settings.configure(SECRET_KEY="x", INSTALLED_APPS=["django_fargate"])
import django
django.setup()
from django.core.management import call_command
call_command("check", deploy=True)
"""
    environment = {**os.environ, "CACHE_URL": STACK["CACHE_URL"]}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert "?: (django_fargate.W001) The stack has a cache, and CACHES keeps" in result.stderr
    assert "Set CACHES = caches(), from django_fargate.settings." in result.stderr

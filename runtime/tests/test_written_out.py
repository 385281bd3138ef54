"""The settings that docs/your-project.md writes out for projects without this package are those that it makes."""

import json
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import RequestFactory, override_settings

from django_fargate import settings

GUIDE = (Path(__file__).parents[2] / "docs" / "your-project.md").read_text()
BLOCKS = re.findall(r"^```python\n(?:# settings\.py\n)?(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
STACK = {
    "AWS_CLOUDFRONT_KEY": "-----BEGIN RSA PRIVATE KEY-----",
    "AWS_CLOUDFRONT_KEY_ID": "K2JCJMDEHXQW5F",
    "AWS_S3_CUSTOM_DOMAIN": "shop.example.com",
    "AWS_S3_REGION_NAME": "eu-central-1",
    "AWS_SES_CONFIGURATION_SET": "shop",
    "AWS_SES_REGION_NAME": "eu-central-1",
    "AWS_STORAGE_BUCKET_NAME": "shop-media",
    "CACHE_URL": "rediss://django:p@cache:6379/0",
    "DEFAULT_FROM_EMAIL": "no-reply@shop.example.com",
}


@pytest.fixture(autouse=True)
def stack(environment):
    environment(**STACK)


def block(begin):
    [found] = [each for each in BLOCKS if each.lstrip().startswith(begin)]
    return found


def executed(text, **given):
    """What the statements assign, in capitals as settings are."""
    names: dict[str, Any] = {"os": os, **given}
    exec(text, names)  # noqa: S102 of our own page
    return {name: value for name, value in names.items() if name.isupper() and name not in ("TLS", *given)}


def in_a_line(begin):
    """The statements between backticks that begin like this."""
    return re.findall(rf"`({re.escape(begin)}[^`]*)`", GUIDE)


def test_the_cache_and_the_channel_layer():
    written = executed(block("TLS ="))
    assert written["SESSION_ENGINE"] == "django.contrib.sessions.backends.cached_db"
    assert (written["CACHES"], written["CHANNEL_LAYERS"]) == (settings.caches(), settings.channel_layers())


def test_the_result_backend():
    expected = {"CELERY_RESULT_BACKEND": settings.result_backend()}
    [line] = in_a_line("CELERY_RESULT_BACKEND = os.environ")
    assert executed(line) == expected
    [line] = in_a_line("CELERY_RESULT_BACKEND = REDIS_URL")  # in a project of cookiecutter-django
    assert executed(line, REDIS_URL=STACK["CACHE_URL"]) == expected


def test_files(monkeypatch):
    monkeypatch.delenv("AWS_S3_CUSTOM_DOMAIN")
    written = executed(block("STORAGES = {"))["STORAGES"]
    made = settings.storages()
    assert made["default"]["OPTIONS"].pop("querystring_auth") is True  # by default
    assert written == made


def test_files_behind_a_distribution():
    options = block('"location"')
    written = executed(f"OPTIONS = {{{options}}}")["OPTIONS"]
    [line] = [each for each in block("STORAGES = storages(").splitlines() if each.startswith("STORAGES")]
    made = executed(line, storages=settings.storages)["STORAGES"]
    default, public = made["default"]["OPTIONS"], made["public"]["OPTIONS"]
    domain = {"custom_domain": STACK["AWS_S3_CUSTOM_DOMAIN"]}
    assert {**written, **domain} == {name: default[name] for name in {**written, **domain}}
    assert {name for name in default if name.startswith("cloudfront")} <= set(written)
    [folder] = in_a_line('"location": "public"')
    [signed] = in_a_line('"querystring_auth": False')
    said = executed(f"OPTIONS = {{{folder}, {signed}}}")["OPTIONS"]
    assert {**said, **domain} == {name: public[name] for name in {**said, **domain}}


def test_a_form_uploads_to_where_the_storage_looks_for_the_name(monkeypatch):
    monkeypatch.delenv("AWS_CLOUDFRONT_KEY")  # no real one
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAROLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    names: dict[str, Any] = {}
    exec(block("# views.py\nimport posixpath"), names)  # noqa: S102 of our own page
    request: Any = RequestFactory().post("/upload-form/")
    request.user = SimpleNamespace(pk=7, is_authenticated=True)
    storage: Any = default_storage
    for location in ("media", ""):
        with override_settings(STORAGES=settings.storages(location=location)):
            form = json.loads(names["upload_form"](request).content)
            assert form["name"].startswith("uploads/7/")
            assert form["fields"]["key"] == storage._normalize_name(form["name"])
            assert form["fields"]["key"] == f"{location}/{form['name']}".lstrip("/")


@pytest.mark.parametrize(
    ("package", "begin"),
    [
        ("django-ses", 'EMAIL_BACKEND = "django_ses'),
        ("django-anymail", 'EMAIL_BACKEND = "anymail'),
    ],
)
def test_mail(monkeypatch, package, begin):
    monkeypatch.setattr("django.VERSION", (5, 2, 0, "final", 0))
    assert executed(block(begin)) == settings.mail(package)
    if package == "django-ses":
        monkeypatch.setattr("django.VERSION", (6, 1, 0, "final", 0))
        [line] = in_a_line("MAILERS =")
        assert executed(line)["MAILERS"] == settings.mail(package)["MAILERS"]

"""The settings that the pages print for projects with this package load where no variable of a stack is set, too."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from django_fargate.environment import SET_BY

ROOT = Path(__file__).parents[2]
PROJECT = """
import os
from pathlib import Path

BASE_DIR = Path(__file__).parent
ROOT_URLCONF = "urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL, STATIC_ROOT = "static/", BASE_DIR / "staticfiles"
INSTALLED_APPS = [f"django.contrib.{name}" for name in ("auth", "contenttypes", "sessions", "staticfiles")]
"""
#: What the pages call "and so on", as startproject has it.
MIDDLEWARE = """
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
"""
STACK = {
    "AWS_S3_REGION_NAME": "eu-central-1",
    "AWS_STORAGE_BUCKET_NAME": "shop-media",
    "CACHE_URL": "rediss://django:p@cache:6379/0",
    "DATABASE_HOST": "database",
    "DATABASE_NAME": "shop",
    "DATABASE_PASSWORD": "p",
    "DATABASE_PORT": "5432",
    "DATABASE_USER": "shop",
    "DJANGO_ALLOWED_HOSTS": "shop.example.com",
    "DJANGO_CSRF_TRUSTED_ORIGINS": "https://shop.example.com",
    "DJANGO_FARGATE_PROCESS": "web",
    "DJANGO_SECRET_KEYS": json.dumps({"key": "".join(map(chr, range(48, 110)))}),
}
MAIL = {"AWS_SES_REGION_NAME": "eu-central-1", "DEFAULT_FROM_EMAIL": "no-reply@shop.example.com"}


def blocks(page, section):
    """The pieces of Python of a section, by the name of the file that they are for."""
    [text] = re.findall(rf"^## {section}$(.*?)^## ", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    return re.findall(r"^```python\n# (\w+\.py)[^\n]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def printed(page):
    if page == "runtime/README.md":
        sections, middleware = [blocks(page, "Set it up")], ""
    else:
        sections = [blocks(page, section) for section in ("With runtime/", "Cache, sessions and groups of sockets")]
        sections[1], middleware = sections[1][:1], f"MIDDLEWARE = [{MIDDLEWARE}]\n"
        sections.append(blocks(page, "Outgoing mail")[:1])
    pieces = [piece for section in sections for piece in section]
    settings = PROJECT + middleware + "\n".join(text for name, text in pieces if name == "settings.py")
    settings = settings.replace("    # and so on\n", MIDDLEWARE).replace("mail()", 'mail("django-ses")')
    [celery] = [text for name, text in pieces if name == "celery.py"]
    return settings, celery


@pytest.fixture(params=["runtime/README.md", "docs/your-project.md"])
def run(request, tmp_path):
    settings, celery = printed(request.param)
    if "Celery(" not in celery:
        celery = 'app = Celery("shop")\napp.config_from_object("django.conf:settings", namespace="CELERY")\n' + celery
    imports = "from celery import Celery\nimport django_fargate.celery\nfrom django_fargate.settings import process\n"
    task = "\n@app.task\ndef add(one, other):\n    return one + other\n"
    (tmp_path / "settings.py").write_text(settings)
    (tmp_path / "tasks_of_shop.py").write_text(imports + celery + task)
    (tmp_path / "urls.py").write_text("urlpatterns = []\n")

    def run_command(*command, **variables):
        inherited = {name: value for name, value in os.environ.items() if name not in {*SET_BY, "DEBUG"}}
        environment = {**inherited, "DJANGO_SETTINGS_MODULE": "settings", **variables}
        return subprocess.run(
            [sys.executable, *command], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )

    return run_command


def test_static_files_are_collected_and_a_laptop_migrates_with_a_key_alone(run):
    collected = run("-m", "django", "collectstatic", "--noinput", DJANGO_SECRET_KEY="of-the-build")
    assert collected.returncode == 0, collected.stderr
    migrated = run("-m", "django", "migrate", "-v", "0", DJANGO_SECRET_KEY="laptop", DEBUG="1")
    assert migrated.returncode == 0, migrated.stderr


def test_on_a_laptop_a_task_runs_where_it_is_sent(run):
    code = "from tasks_of_shop import add; print(add.delay(1, 2).get())"
    sent = run("-c", code, DJANGO_SECRET_KEY="laptop")
    assert sent.stdout == "3\n", sent.stderr
    in_a_stack = run("-c", code, **STACK)
    assert "CELERY_BROKER_TRANSPORT_OPTIONS is not set" in in_a_stack.stderr


@pytest.mark.parametrize("mail", [MAIL, {}], ids=["mail", "no mail"])
def test_in_a_stack_they_read_its_variables(run, mail):
    names = "DATABASES", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "CACHES", "DEFAULT_FROM_EMAIL", "DEBUG"
    code = f"from django.conf import settings as s; import json; print(json.dumps([getattr(s, n) for n in {names}]))"
    loaded = run("-c", code, **STACK, **mail)
    assert loaded.returncode == 0, loaded.stderr
    databases, hosts, secure, caches, sender, debug = json.loads(loaded.stdout)
    assert databases["default"]["HOST"] == "database"
    assert (hosts, secure, debug) == (["shop.example.com"], True, False)
    assert caches["default"]["LOCATION"] == STACK["CACHE_URL"]
    assert sender == mail.get("DEFAULT_FROM_EMAIL", "webmaster@localhost")


@pytest.mark.parametrize("run", ["runtime/README.md"], indirect=True)
def test_check_deploy_is_quiet_with_the_settings_of_the_readme(run):
    checked = run("-m", "django", "check", "--deploy", "--fail-level", "WARNING", **STACK, **MAIL)
    assert checked.returncode == 0, checked.stderr
    assert "no issues" in checked.stdout

"""What can be seen without a database: ``python manage.py test tests.test_project``."""

import json
import os
import subprocess
import sys
from unittest import mock

from django.apps import apps
from django.conf import settings
from django.core import signing
from django.core.management import call_command
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.test import SimpleTestCase, override_settings
from django.urls import reverse

from config.celery import app
from guestbook import tasks, views
from guestbook.drills import DRILLS
from guestbook.forms import DrillForm


class SettingsTest(SimpleTestCase):
    def test_the_project_passes_django_s_deployment_check(self):
        with override_settings(
            SECRET_KEY="".join(map(chr, range(40, 110))), SESSION_COOKIE_SECURE=True, CSRF_COOKIE_SECURE=True
        ):
            call_command("check", deploy=True, fail_level="WARNING")

    def test_the_health_check_is_answered_before_anything_else_looks(self):
        self.assertEqual(settings.MIDDLEWARE[0], "django_fargate.middleware.HealthCheckMiddleware")
        with override_settings(ALLOWED_HOSTS=["guestbook.example.com"]):
            self.assertEqual(self.client.get("/healthz", headers={"host": "10.0.3.7:8000"}).status_code, 200)
            self.assertEqual(self.client.get("/slow", headers={"host": "10.0.3.7:8000"}).status_code, 400)

    def test_models_and_migrations_agree(self):
        loader = MigrationLoader(None)
        changes = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps)).changes(
            graph=loader.graph
        )
        self.assertEqual(changes, {})

    def settings_of(self, **variables):
        """What a process of a stack with these variables reads."""
        names = "STORAGES", "SENDS_MAIL", "EMAIL_BACKEND", "DEFAULT_FROM_EMAIL"
        code = (
            f"import json; from django.conf import settings as s; print(json.dumps([getattr(s, n) for n in {names}]))"
        )
        environment = {**os.environ, "AWS_STORAGE_BUCKET_NAME": "b", "AWS_S3_REGION_NAME": "eu-west-1", **variables}
        result = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True)
        return dict(zip(names, json.loads(result.stdout), strict=True))

    def test_only_a_distribution_hands_out_previews_without_a_signature(self):
        def options(**variables):
            storages = self.settings_of(**variables)["STORAGES"]
            return {
                alias: (storages[alias]["OPTIONS"]["location"], storages[alias]["OPTIONS"]["querystring_auth"])
                for alias in ("default", "public")
            }

        self.assertEqual(options(), {"default": ("media", True), "public": ("public", True)})
        behind = options(AWS_S3_CUSTOM_DOMAIN="shop.example.com")
        self.assertEqual(behind, {"default": ("media", True), "public": ("public", False)})

    def test_mail_leaves_where_the_stack_has_an_address_to_send_from(self):
        self.assertFalse(self.settings_of()["SENDS_MAIL"])
        sends = self.settings_of(DEFAULT_FROM_EMAIL="no-reply@shop.example.com", AWS_SES_REGION_NAME="eu-west-1")
        self.assertTrue(sends["SENDS_MAIL"])
        self.assertEqual(
            (sends["EMAIL_BACKEND"], sends["DEFAULT_FROM_EMAIL"]),
            ("anymail.backends.amazon_ses.EmailBackend", "no-reply@shop.example.com"),
        )

    def test_a_missing_variable_is_named(self):
        for name in ("CACHE_URL", "DATABASE_PASSWORD", "DJANGO_ALLOWED_HOSTS", "DJANGO_SECRET_KEY"):
            environment = {key: value for key, value in os.environ.items() if key not in (name, f"{name}S")}
            code = "import django; django.setup()"
            result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(f"{name} is not set", result.stderr)

    def test_static_files_are_collected_where_there_is_only_a_throwaway_key(self):
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CACHE_", "DATABASE_", "CELERY_", "DJANGO_", "PGSSL"))
        }
        command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--dry-run"]
        variables = {"DJANGO_BUILDING": "1", "DJANGO_SECRET_KEY": "throwaway"}
        subprocess.run(
            command, cwd=settings.BASE_DIR, env={**environment, **variables}, check=True, capture_output=True
        )


class TasksTest(SimpleTestCase):
    def test_express_tasks_go_to_the_express_queue_and_others_to_the_default_one(self):
        def queue(task):
            return app.amqp.router.route({}, task.name)["queue"].name

        self.assertEqual(queue(tasks.express_ping), "express")
        self.assertEqual(queue(tasks.express_poison), "express")
        self.assertEqual(queue(tasks.count_words), app.conf.task_default_queue)
        self.assertEqual(queue(tasks.heartbeat), app.conf.task_default_queue)

    def test_every_scheduled_task_exists(self):
        for entry in app.conf.beat_schedule.values():
            self.assertIn(entry["task"], app.tasks)


class PagesTest(SimpleTestCase):
    def setUp(self):
        self.enterContext(override_settings(ALLOWED_HOSTS=["testserver"]))

    def test_slow_answers_are_bounded(self):
        with mock.patch.object(views.time, "sleep") as sleep:
            for seconds, status in {"0": 200, "10": 200, "10.1": 400, "-1": 400, "nan": 400, "x": 400}.items():
                self.assertEqual(self.client.get(f"/slow?seconds={seconds}").status_code, status, seconds)
        self.assertEqual([call.args for call in sleep.call_args_list], [(0.0,), (10.0,)])

    def test_a_signed_link_survives_a_rotation_and_a_forged_one_does_not(self):
        token = signing.dumps({"from": "ada"}, key="the previous key", salt=views.INVITATION_SALT)
        url = reverse("invitation", args=[token])
        self.assertEqual(self.client.get(url).status_code, 403)
        with override_settings(SECRET_KEY_FALLBACKS=["the previous key"]):
            self.assertEqual(self.client.get(url).json(), {"from": "ada"})

    def test_a_drill_gets_only_the_arguments_that_it_takes(self):
        def arguments(**data):
            form = DrillForm(data)
            self.assertTrue(form.is_valid(), form.errors)
            return form.arguments()

        self.assertEqual(arguments(drill="ping", label="a", seconds=3), {"label": "a"})
        self.assertEqual(arguments(drill="slow", label="a", seconds=3), {"label": "a", "seconds": 3.0})
        self.assertFalse(DrillForm({"drill": "slow", "seconds": 61}).is_valid())
        self.assertFalse(DrillForm({"drill": "format-disk"}).is_valid())
        self.assertEqual(set(DRILLS), {"ping", "slow", "express-slow", "poison", "kill"})

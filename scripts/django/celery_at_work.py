"""What django-celery-results and beat's scheduler do at run time, as the login that serves."""

import os
import sys
from datetime import timedelta

import django
from django.conf import settings

LOGIN = {"ENGINE": "django.db.backends.postgresql", "HOST": "localhost", "PORT": os.environ["PORT"], "NAME": "shop"}
settings.configure(
    DATABASES={"default": {**LOGIN, "USER": sys.argv[1], "PASSWORD": sys.argv[1], "OPTIONS": {"sslmode": "require"}}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_celery_results", "django_celery_beat"],
    USE_TZ=True,
    CELERY_RESULT_EXTENDED=True,
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    SECRET_KEY="only for tests",
)
django.setup()

from celery import Celery, chord, group, states  # noqa: E402
from django.core.management import call_command  # noqa: E402

if sys.argv[2] == "migrate":
    call_command("migrate", verbosity=0)
    sys.exit()

from django_celery_beat.models import IntervalSchedule, PeriodicTask  # noqa: E402
from django_celery_beat.schedulers import DatabaseScheduler  # noqa: E402
from django_celery_results.models import GroupResult, TaskResult  # noqa: E402

app = Celery("shop", broker="memory://", backend="django-db")
app.config_from_object("django.conf:settings", namespace="CELERY")
backend = app.backend

for number in range(3):
    backend.store_result(f"task-{number}", number, states.SUCCESS)
    backend.store_result(f"task-{number}", {"again": number}, states.SUCCESS)
assert backend.get_result("task-1") == {"again": 1}
backend.store_result("failed", ValueError("x"), states.FAILURE, traceback="line")
assert backend.get_state("failed") == states.FAILURE
backend.forget("task-2")
saved = app.GroupResult("group-1", [app.AsyncResult("task-0"), app.AsyncResult("task-1")])
backend.save_group("group-1", saved)
assert len(backend.restore_group("group-1").children) == 2
backend.delete_group("group-1")
TaskResult.objects.delete_expired(timedelta(days=0))
backend.cleanup()
assert GroupResult.objects.count() == 0
assert callable(chord) and callable(group)

every, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.SECONDS)
PeriodicTask.objects.update_or_create(name="ping", defaults={"interval": every, "task": "ping", "one_off": True})
app.conf.beat_schedule = {"fixed": {"task": "fixed", "schedule": 1.0}}
scheduler = DatabaseScheduler(app=app)
scheduler.setup_schedule()
for entry in list(scheduler.schedule.values()):
    entry.is_due()
    scheduler.reserve(entry)
scheduler.sync()
task = PeriodicTask.objects.get(name="ping")
assert task.total_run_count == 1, task.total_run_count
task.enabled = False
task.save()
assert scheduler.schedule_changed()
PeriodicTask.objects.all().delete()
print("celery works")

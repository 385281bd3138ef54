"""Celery itself: its table of settings, a real worker and a real beat on kombu's transport in the file system."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.app.defaults import NAMESPACES, flatten
from django.core.exceptions import ImproperlyConfigured

from django_fargate import versions
from django_fargate.celery import (
    BEAT_MAX_LOOP_INTERVAL,
    CLIENT_CONFIG,
    LIVENESS_INTERVAL,
    LivenessProbe,
    celery_settings,
    setup,
)
from django_fargate.liveness import LivenessFile

QUEUES = {name: {"url": f"https://sqs.eu-west-1.amazonaws.com/123456789012/{name}"} for name in ("default", "express")}
BROKER = {
    "CELERY_BROKER_URL": "sqs://",
    "CELERY_BROKER_TRANSPORT_OPTIONS": json.dumps({"region": "eu-west-1", "predefined_queues": QUEUES}),
    "CELERY_TASK_DEFAULT_QUEUE": "default",
}


def test_every_setting_is_one_that_this_celery_knows(environment):
    environment(**BROKER)
    assert set(celery_settings()) <= set(dict(flatten(NAMESPACES)))


@pytest.mark.parametrize(
    ("logging_of_the_project", "said"),
    [
        ("", " CRITICAL/MainProcess] no pool"),
        ("logging.basicConfig(format='ours: %(message)s')", "ours: no pool"),
        ("logging.getLogger('celery').addHandler(logging.StreamHandler())", "no pool"),
    ],
)
def test_what_celery_says_is_in_the_log_once_whatever_the_project_logs(logging_of_the_project, said):
    script = f"""
import logging
from celery import Celery
from django_fargate import celery as fargate
{logging_of_the_project}
app = Celery("shop")
fargate.setup(app)
app.log.setup(loglevel="INFO")
logging.getLogger("celery.worker").critical("no pool")
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **BROKER}, capture_output=True, text=True, check=True
    )
    lines = [line for line in ended.stderr.splitlines() if "no pool" in line]
    assert len(lines) == 1
    assert lines[0].endswith(said)


def test_a_failed_task_stays_in_its_queue_until_sqs_gives_up(environment):
    environment(**BROKER)
    app = Celery("shop", set_as_current=False)
    setup(app)

    @app.task
    def work():
        pass

    app.finalize()
    task: Any = app.tasks[work.name]  # the stubs know one version of Celery, this test several
    assert task.acks_late is True
    assert task.acks_on_failure_or_timeout is False
    if hasattr(task, "acks_on_failure"):  # Celery 5.7 splits the setting in two
        assert (task.acks_on_failure, task.acks_on_timeout) == (False, False)
    assert task.reject_on_worker_lost is True


def test_the_queues_are_those_of_the_broker_and_no_others(environment):
    environment(**BROKER)
    app = Celery("shop", set_as_current=False)
    setup(app)
    assert set(app.amqp.queues) == {"default", "express"}
    assert app.amqp.queues["express"].routing_key == "express"
    with pytest.raises(KeyError):
        app.amqp.queues["exprss"]
    assert app.conf.worker_prefetch_multiplier == 1
    options = app.connection_for_write().transport_options
    assert options is not None
    assert options["predefined_queues"] == QUEUES


def test_a_version_whose_worker_ends_when_a_poll_fails_is_refused(monkeypatch):
    monkeypatch.setattr(versions, "version", lambda package: {"kombu": "5.7.0"}.get(package, "99.0.0"))
    with pytest.raises(ImproperlyConfigured, match=r"kombu must not be 5\.7\.0, .*Install `kombu>=5\.6,!=5\.7\.0`"):
        setup(Celery("shop", set_as_current=False))
    monkeypatch.setattr(versions, "version", lambda package: {"celery": "5.5.3"}.get(package, "99.0.0"))
    with pytest.raises(ImproperlyConfigured, match=r"celery must be 5\.6 or later, got 5\.5\.3"):
        setup(Celery("shop", set_as_current=False))


def test_the_timeouts_of_the_environment_win(environment):
    options = {"region": "eu-west-1", "predefined_queues": QUEUES, "client-config": {"read_timeout": 60}}
    environment(**BROKER)
    assert celery_settings()["broker_transport_options"]["client-config"] == CLIENT_CONFIG
    environment(**{**BROKER, "CELERY_BROKER_TRANSPORT_OPTIONS": json.dumps(options)})
    assert celery_settings()["broker_transport_options"]["client-config"] == {"read_timeout": 60}


def test_results_are_kept_as_soon_as_there_is_a_backend(environment):
    environment(**BROKER)
    app = Celery("shop", set_as_current=False)
    app.config_from_object({"result_backend": "cache+memory://"})
    setup(app)

    @app.task
    def answer():  # Celery shares tasks between applications, and warns of two by one name since 5.7
        return 7

    app.finalize()
    assert app.tasks[answer.name].ignore_result is False


def test_remote_control_is_off(environment):
    environment(**BROKER)
    settings = celery_settings()
    assert settings["worker_enable_remote_control"] is False
    assert settings["worker_send_task_events"] is False


@pytest.mark.parametrize(
    ("settings", "namespace"),
    [({"CELERY_WORKER_PREFETCH_MULTIPLIER": 4}, "CELERY"), ({"worker_prefetch_multiplier": 4}, None)],
)
def test_the_project_s_own_settings_win(environment, settings, namespace):
    environment(**BROKER)
    app = Celery("shop", set_as_current=False)
    app.config_from_object(settings, namespace=namespace)
    setup(app)
    assert app.conf.worker_prefetch_multiplier == 4
    assert app.conf.task_acks_late is True


def test_an_application_can_be_imported_where_there_is_no_broker(environment):
    environment()
    app = Celery("shop", set_as_current=False)
    setup(app)
    assert LivenessProbe in app.steps["worker"]


@pytest.mark.parametrize("name", BROKER)
def test_a_missing_variable_is_named_when_celery_needs_it(environment, name):
    environment(**{key: value for key, value in BROKER.items() if key != name})
    app = Celery("shop", set_as_current=False)
    setup(app)
    with pytest.raises(
        ImproperlyConfigured,
        match=rf"{name} is not set\. The broker sets it \(CeleryBroker\); outside of a stack, set it yourself\.",
    ):
        _ = app.conf.task_acks_late


def test_the_file_is_private_and_is_never_somebody_else_s(tmp_path):
    file = LivenessFile(tmp_path / "alive")
    file.touch()
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    os.utime(file.path, (1, 1))
    file.touch()
    assert time.time() - file.path.stat().st_mtime < 5
    file.delete()
    file.delete()
    assert not file.path.exists()
    (tmp_path / "target").touch()
    file.path.symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        file.touch()


def test_a_worker_that_no_longer_polls_stops_touching_its_file(environment, tmp_path):
    environment(CELERY_LIVENESS_FILE=str(tmp_path / "alive"))
    polling = SimpleNamespace(have_stopped=lambda: False)
    channel = SimpleNamespace(polls=polling)
    worker: Any = SimpleNamespace(consumer=SimpleNamespace(task_consumer=SimpleNamespace(channel=channel)))
    probe = LivenessProbe(worker)
    probe.touch(worker)
    os.utime(tmp_path / "alive", (1, 1))
    polling.have_stopped = lambda: True
    probe.touch(worker)
    assert (tmp_path / "alive").stat().st_mtime == 1
    probe.touch(SimpleNamespace(consumer=None))  # before it is connected
    assert (tmp_path / "alive").stat().st_mtime > 1


def test_the_health_check_of_90_seconds_tolerates_several_late_touches():
    assert 3 * max(LIVENESS_INTERVAL, BEAT_MAX_LOOP_INTERVAL) < 90


APPLICATION = """
import os
from celery import Celery
from django_fargate import celery as fargate

fargate.LIVENESS_INTERVAL = 0.2
app = Celery("shop")
fargate.setup(app)
app.conf.beat_schedule = {"work": {"task": "work", "schedule": 0.5}}

@app.task(name="work")
def work():
    open(os.environ["DONE"], "a").write("x")
"""


@pytest.fixture
def celery_process(tmp_path):
    """Starts `celery` as the constructs do, with a file system in place of SQS."""
    (tmp_path / "shop.py").write_text(APPLICATION)
    for folder in ("queue", "processed", "control"):
        (tmp_path / folder).mkdir()
    options = {
        "data_folder_in": str(tmp_path / "queue"),
        "data_folder_out": str(tmp_path / "queue"),
        "processed_folder": str(tmp_path / "processed"),
        "control_folder": str(tmp_path / "control"),
        "predefined_queues": {"default": {}},
    }
    variables = {
        **os.environ,
        "CELERY_BROKER_URL": "filesystem://",
        "CELERY_BROKER_TRANSPORT_OPTIONS": json.dumps(options),
        "CELERY_TASK_DEFAULT_QUEUE": "default",
        "DONE": str(tmp_path / "done"),
    }
    started = []

    def start(*arguments, liveness):
        with open(tmp_path / f"{arguments[0]}.log", "w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "--app", "shop", *arguments],
                cwd=tmp_path,
                env={**variables, "CELERY_LIVENESS_FILE": str(liveness)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def wait_until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_worker_and_beat_show_that_they_are_alive_and_clean_up(tmp_path, celery_process):
    alive = {name: tmp_path / f"alive-{name}" for name in ("worker", "beat")}
    for file in alive.values():
        file.touch()
        os.utime(file, (1, 1))  # left by a predecessor
    worker = celery_process("worker", "--concurrency", "1", "--loglevel", "INFO", liveness=alive["worker"])
    beat = celery_process("beat", "--schedule", str(tmp_path / "schedule"), liveness=alive["beat"])

    def touched(file, since):
        return file.exists() and file.stat().st_mtime > since

    for file in alive.values():
        wait_until(partial(touched, file, since=1))
        wait_until(partial(touched, file, since=file.stat().st_mtime))
    wait_until(lambda: (tmp_path / "done").exists())

    for process in (beat, worker):
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not any(file.exists() for file in alive.values())


def test_a_frozen_worker_stops_touching_its_file(tmp_path, celery_process):
    alive = tmp_path / "alive"
    worker = celery_process("worker", "--concurrency", "1", liveness=alive)
    wait_until(alive.exists)
    worker.send_signal(signal.SIGSTOP)
    time.sleep(0.3)
    frozen = alive.stat().st_mtime
    time.sleep(1)
    assert alive.stat().st_mtime == frozen


def test_a_worker_without_the_variable_says_so(tmp_path, celery_process):
    worker = celery_process("worker", liveness="")
    assert worker.wait(60) != 0
    assert "CELERY_LIVENESS_FILE is empty" in (tmp_path / "worker.log").read_text()

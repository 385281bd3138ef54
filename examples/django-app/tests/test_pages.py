"""Pages and commands with PostgreSQL: ``python manage.py test``, as a role that may create databases."""

from datetime import timedelta
from io import StringIO
from unittest import mock

from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import TestCase, override_settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from guestbook import tasks
from guestbook.models import Message, TaskRecord

STATIC = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}


@override_settings(ALLOWED_HOSTS=["testserver"], STORAGES=STATIC)
class GuestbookTest(TestCase):
    def test_a_message_is_kept_shown_and_handed_to_a_task(self):
        with mock.patch.object(tasks.count_words, "delay") as delay, self.captureOnCommitCallbacks(execute=True):
            response = self.client.post("/", {"text": "three <b>little</b> words"})
        self.assertRedirects(response, "/")
        message = Message.objects.get()
        delay.assert_called_once_with(message.pk)
        self.assertContains(self.client.get("/"), "three &lt;b&gt;little")

    def test_a_queue_that_is_away_costs_no_message_and_the_heartbeat_makes_up_for_it(self):
        with (
            mock.patch.object(tasks.count_words, "delay", side_effect=ConnectionError("SQS is away")),
            self.captureOnCommitCallbacks(execute=True),
        ):
            self.assertRedirects(self.client.post("/", {"text": "two words"}), "/")
        Message.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        with mock.patch.object(tasks.count_words, "delay") as delay:
            tasks.heartbeat.apply(throw=True)
        delay.assert_called_once_with(Message.objects.get().pk)

    def test_an_empty_message_is_refused(self):
        self.assertEqual(self.client.post("/", {"text": ""}).status_code, 400)

    def test_a_task_counts_the_words_and_leaves_a_record(self):
        message = Message.objects.create(text="three little words")
        tasks.count_words.apply(args=[message.pk], throw=True)
        message.refresh_from_db()
        self.assertEqual(message.words, 3)
        self.assertIsNotNone(TaskRecord.objects.get().finished_at)
        self.assertEqual(self.client.get("/api/messages").json()["messages"][0]["words"], 3)

    def test_a_poisoned_task_leaves_an_unfinished_record(self):
        with self.assertRaises(tasks.DrillError):
            tasks.express_poison.apply(kwargs={"label": "bad"}, throw=True)
        (record,) = self.client.get("/api/tasks?label=bad").json()["tasks"]
        self.assertIsNone(record["finished_at"])
        self.assertContains(self.client.get("/tasks/"), "express_poison")

    def test_drills_are_for_staff(self):
        self.assertEqual(self.client.post("/drills/", {"drill": "ping"}).status_code, 302)
        self.client.force_login(User.objects.create_superuser("ada"))
        with mock.patch.object(tasks.express_ping, "delay") as delay:
            delay.return_value.id = "task-1"
            response = self.client.post("/drills/", {"drill": "ping", "label": "x"})
        self.assertEqual((response.status_code, response.json()), (202, {"task_id": "task-1"}))
        delay.assert_called_once_with(label="x")

    def test_a_drill_is_503_while_the_queue_does_not_answer(self):
        self.client.force_login(User.objects.create_superuser("ada"))
        with (
            mock.patch.object(tasks.express_ping, "delay", side_effect=OperationalError("Read timeout")),
            self.assertLogs("guestbook.views", "WARNING") as logs,
        ):
            response = self.client.post("/drills/", {"drill": "ping", "label": "x"})
        self.assertEqual((response.status_code, response["Retry-After"]), (503, "5"))
        self.assertIn("Read timeout", logs.output[0])

    def test_an_invitation_names_who_sent_it(self):
        self.assertEqual(self.client.get("/invitations/").status_code, 302)
        self.client.force_login(User.objects.create_user("ada"))
        self.assertEqual(self.client.get("/api/session").json(), {"authenticated": True, "username": "ada"})
        url = self.client.get("/invitations/").json()["url"]
        self.assertEqual(self.client.get(url).json(), {"from": "ada"})


class PruneMessagesTest(TestCase):
    def setUp(self):
        Message.objects.create(text="new")
        old = Message.objects.create(text="old")
        Message.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=100))

    def test_old_messages_are_deleted(self):
        out = StringIO()
        call_command("prune_messages", stdout=out)
        self.assertEqual(out.getvalue(), "Deleted 1 messages.\n")
        self.assertEqual([message.text for message in Message.objects.all()], ["new"])

    def test_more_than_expected_is_a_failure_that_deletes_nothing(self):
        with self.assertRaisesMessage(CommandError, "more than --max 0"):
            call_command("prune_messages", max=0)
        with self.assertRaisesMessage(CommandError, "--days must be at least 1"):
            call_command("prune_messages", days=0)
        self.assertEqual(Message.objects.count(), 2)

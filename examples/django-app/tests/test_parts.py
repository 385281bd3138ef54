"""Pictures, the chat, the cached page and the forgotten password: what the example does with the parts of its stack."""

import json
import os
import re
from base64 import b64decode
from io import BytesIO
from unittest import mock

from asgiref.sync import async_to_sync, sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.exceptions import InvalidChannelLayerError
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core import mail
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase, TransactionTestCase, override_settings
from PIL import Image

from django_fargate.channels import URLRouter
from guestbook import forms, tasks
from guestbook.models import Message, Picture
from guestbook.routing import websocket_urlpatterns

STATIC = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
IN_MEMORY = {
    **STATIC,
    **{name: {"BACKEND": "django.core.files.storage.InMemoryStorage"} for name in ("default", "public")},
}
LOCAL = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LAYER = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@override_settings(ALLOWED_HOSTS=["testserver"], STORAGES=IN_MEMORY, CACHES=LOCAL)
class PicturesTest(TestCase):
    def setUp(self):
        self.user = User.objects.create_user("ada")
        self.client.force_login(self.user)
        # The storage of a field is chosen when the model is made.
        self.enterContext(mock.patch.object(Picture._meta.get_field("preview"), "storage", storages["public"]))

    def upload(self, content=None, name="dot.png"):
        file = SimpleUploadedFile(name, picture() if content is None else content, "image/png")
        return self.client.post("/pictures/", {"file": file})

    def test_a_picture_is_kept_beside_a_small_one_that_everybody_may_see(self):
        self.assertRedirects(self.upload(picture((400, 300))), "/pictures/")
        kept = Picture.objects.get()
        self.assertTrue(storages["default"].exists(kept.file.name) and storages["public"].exists(kept.preview.name))
        self.assertEqual((kept.file.width, kept.preview.width, kept.preview.height), (400, 200, 150))
        page = self.client.get("/pictures/")
        self.assertContains(page, f'<a href="{kept.file.url}"><img src="{kept.preview.url}"')

    def test_pictures_are_for_those_who_are_logged_in(self):
        self.client.logout()
        for address in ("/pictures/", "/pictures/form/"):
            self.assertRedirects(self.client.get(address), f"/accounts/login/?next={address}")
        self.assertEqual(self.upload().status_code, 302)
        self.assertEqual(self.client.post("/pictures/sent/", {"name": "uploads/1/a.png"}).status_code, 302)
        self.assertFalse(Picture.objects.exists())

    def test_what_is_no_picture_or_too_large_is_refused(self):
        self.assertEqual(self.upload(b"<script>").status_code, 400)
        self.assertEqual(self.upload(picture(kind="GIF")).status_code, 400)
        with mock.patch.object(forms, "MAX_PIXELS", 0):
            self.assertContains(self.upload(), "A picture must be", status_code=400)
        with mock.patch.object(forms, "MAX_BYTES", 10):
            self.assertContains(self.upload(), "A picture must be", status_code=400)
        self.assertFalse(Picture.objects.exists())

    def test_a_picture_that_a_browser_has_sent_to_the_bucket_is_looked_at_before_it_is_shown(self):
        def sent(name):
            return self.client.post("/pictures/sent/", {"name": name}).status_code

        own, other = (f"uploads/{number}/a.png" for number in (self.user.pk, self.user.pk + 1))
        for name in (own, other):
            default_storage.save(name, ContentFile(picture((400, 300))))
        page = default_storage.save(f"uploads/{self.user.pk}/b.png", ContentFile(b"<script>"))
        self.assertEqual([sent(name) for name in (page, other, "uploads/", "")], [400, 400, 400, 400])
        self.assertFalse(Picture.objects.exists())
        self.assertEqual(sent(own), 302)
        kept = Picture.objects.get()
        self.assertEqual((kept.file.name, kept.file.width, kept.preview.width), (own, 400, 200))

    def test_the_form_for_the_bucket_takes_one_name_one_type_and_so_many_bytes(self):
        options = {"bucket_name": "b", "region_name": "eu-west-1", "location": "media", "signature_version": "s3v4"}
        storage = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        with override_settings(STORAGES={**STATIC, "default": storage}), mock.patch.dict(os.environ, keys):
            form = self.client.get("/pictures/form/").json()
        self.assertTrue(form["name"].startswith(f"uploads/{self.user.pk}/"))
        policy = json.loads(b64decode(form["fields"]["policy"]))["conditions"]
        for condition in (
            {"key": f"media/{form['name']}"},
            {"Content-Type": "image/png"},
            ["content-length-range", 1, forms.MAX_BYTES],
        ):
            self.assertIn(condition, policy)


@override_settings(ALLOWED_HOSTS=["testserver"], STORAGES=STATIC, CACHES=LOCAL)
class TodayTest(TestCase):
    def test_the_page_of_the_day_is_made_once_and_is_the_same_for_everybody(self):
        first = self.client.get("/today/")
        self.assertNotIn("Cookie", first.get("Vary", ""))
        Message.objects.create(text="later")
        self.client.force_login(User.objects.create_user("ada"))
        self.assertEqual(self.client.get("/today/").content, first.content)
        self.assertNotContains(first, "Log")
        cache.clear()
        self.assertContains(self.client.get("/today/"), "1 messages")


@override_settings(ALLOWED_HOSTS=["testserver"], STORAGES=STATIC, CHANNEL_LAYERS=LAYER)
class RoomsTest(TransactionTestCase):
    """No TestCase: sockets close connections to the database that are in a transaction."""

    def test_what_is_said_in_a_room_reaches_its_sockets_from_a_view_a_task_and_a_socket(self):
        user = User.objects.create_user("ada")
        self.client.force_login(user)
        with mock.patch.object(tasks.say_later, "delay") as delay:
            tell = sync_to_async(lambda: self.client.post("/rooms/lobby/", {"text": "hello"}))
            work = sync_to_async(lambda: tasks.say_later.apply(args=delay.call_args.args, throw=True))

            async def heard():
                sockets = [Socket(f"/ws/rooms/{room}/", user) for room in ("lobby", "lobby", "attic")]
                self.assertEqual([await socket.opens() for socket in sockets], [True, True, True])
                await tell()
                await work()
                await sockets[0].send(["no text"])
                await sockets[0].send({"text": "hi"})
                texts = [await socket.texts(3) for socket in sockets[:2]]
                self.assertTrue(await sockets[2].receive_nothing())
                for socket in sockets:
                    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
                    await socket.wait()
                return texts

            texts = async_to_sync(heard)()
        self.assertEqual(texts, [["hello", "hello, from a worker", "hi"]] * 2)

    @override_settings(CHANNEL_LAYERS={"default": {"BACKEND": "a.layer.that.is.Away"}})
    def test_the_echo_needs_no_channel_layer(self):
        self.assertTrue(async_to_sync(Socket("/ws/echo", AnonymousUser()).opens)())
        with self.assertRaises(InvalidChannelLayerError):
            async_to_sync(Socket("/ws/rooms/lobby/", AnonymousUser()).opens)()

    def test_rooms_are_for_those_who_are_logged_in(self):
        self.assertEqual(self.client.get("/rooms/lobby/").status_code, 302)
        self.assertFalse(async_to_sync(Socket("/ws/rooms/lobby/", AnonymousUser()).opens)())


@override_settings(ALLOWED_HOSTS=["testserver"], STORAGES=STATIC)
class PasswordResetTest(TestCase):
    def setUp(self):
        self.user = User.objects.create_user("ada", "ada@example.com", "the old one")

    @override_settings(SENDS_MAIL=True, DEFAULT_FROM_EMAIL="no-reply@shop.example.com")
    def test_a_link_comes_by_mail_and_works_after_a_rotation(self):
        self.assertContains(self.client.get("/accounts/login/"), "/accounts/password_reset/")
        self.client.post("/accounts/password_reset/", {"email": "ada@example.com"})
        (message,) = mail.outbox
        self.assertEqual((message.from_email, message.to), ("no-reply@shop.example.com", ["ada@example.com"]))
        (path,) = re.findall(r"https?://testserver(/accounts/reset/\S+)", message.body)
        with override_settings(SECRET_KEY="the next key", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]):
            form = self.client.get(path, follow=True)
            new = {"new_password1": "correct horse", "new_password2": "correct horse"}
            self.client.post(form.redirect_chain[-1][0], new)
        self.user.refresh_from_db()
        self.assertTrue(self.user.check_password("correct horse"))

    @override_settings(SENDS_MAIL=False)
    def test_a_stack_that_sends_no_mail_says_so_and_sends_none(self):
        for answer in (
            self.client.get("/accounts/password_reset/"),
            self.client.post("/accounts/password_reset/", {"email": "ada@example.com"}),
        ):
            self.assertContains(answer, "no domain to send mail from", status_code=404)
        self.assertEqual(mail.outbox, [])


def picture(size=(1, 1), kind="PNG"):
    made = BytesIO()
    Image.new("RGB", size).save(made, kind)
    return made.getvalue()


class Socket(ApplicationCommunicator):
    def __init__(self, path, user):
        super().__init__(URLRouter(websocket_urlpatterns), {"type": "websocket", "path": path, "user": user})

    async def opens(self):
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output())["type"] == "websocket.accept"

    async def send(self, content):
        await self.send_input({"type": "websocket.receive", "text": json.dumps(content)})

    async def texts(self, count):
        return [json.loads((await self.receive_output())["text"])["text"] for _ in range(count)]

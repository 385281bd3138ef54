import asyncio
import json

import pytest
from asgiref.testing import ApplicationCommunicator
from channels import auth
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.contrib.sessions.models import Session
from django.test import Client, override_settings

from conftest import KEYS
from django_fargate import channels as ours
from django_fargate.channels import AuthMiddlewareStack

BACKEND = "django.contrib.auth.backends.ModelBackend"


class Whoami(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.accept()
        user = self.scope["user"]
        assert user is not None
        await self.send_json(user.is_authenticated)


def session_of(user, key: str) -> str:
    with override_settings(SECRET_KEY=key, SECRET_KEY_FALLBACKS=[]):
        client = Client()
        client.force_login(user, BACKEND)
        return client.cookies["sessionid"].value


def connect(session_key: str | None, stack=AuthMiddlewareStack) -> bool:
    async def run():
        headers = [(b"cookie", f"sessionid={session_key}".encode())] if session_key else []
        scope = {"type": "websocket", "path": "/ws/", "query_string": b"", "headers": headers}
        communicator = ApplicationCommunicator(stack(Whoami.as_asgi()), scope)
        await communicator.send_input({"type": "websocket.connect"})
        assert (await communicator.receive_output(60))["type"] == "websocket.accept"
        answer = json.loads((await communicator.receive_output(60))["text"])
        await communicator.send_input({"type": "websocket.disconnect", "code": 1000})
        await communicator.wait(60)
        return answer

    return bool(asyncio.run(run()))


def test_a_session_of_the_current_key_is_authenticated(user):
    assert connect(session_of(user, KEYS["current"])) is True


@override_settings(SECRET_KEY_FALLBACKS=[KEYS["previous"]])
def test_a_session_of_a_fallback_is_authenticated_and_left_alone(user):
    session_key = session_of(user, KEYS["previous"])
    before = Session.objects.get(session_key=session_key)
    assert connect(session_key) is True
    after = Session.objects.get(session_key=session_key)
    assert (after.session_data, after.expire_date) == (before.session_data, before.expire_date)


@override_settings(SECRET_KEY_FALLBACKS=[KEYS["previous"]])
def test_the_middleware_of_channels_logs_it_out_everywhere(user):
    session_key = session_of(user, KEYS["previous"])
    assert connect(session_key, auth.AuthMiddlewareStack) is False
    assert not Session.objects.filter(session_key=session_key).exists()


def test_a_session_of_an_unknown_key_is_anonymous_and_not_deleted(user):
    session_key = session_of(user, KEYS["previous"])
    assert connect(session_key) is False
    assert Session.objects.filter(session_key=session_key).exists()


def test_a_deleted_or_inactive_user_is_anonymous(user):
    session_key = session_of(user, KEYS["current"])
    user.is_active = False
    user.save()
    assert connect(session_key) is False


@pytest.mark.parametrize("session_key", [None, "unknown-session-key-of-nobody-000"])
def test_without_a_session_the_user_is_anonymous(session_key):
    assert connect(session_key) is False


class Echo(ours.AsyncJsonWebsocketConsumer):
    async def receive_json(self, content, **kwargs):
        await self.send_json(content)


def test_a_message_that_is_not_json_ends_the_connection_and_what_follows_is_dropped():
    async def run():
        scope = {"type": "websocket", "path": "/ws/echo", "query_string": b"", "headers": []}
        communicator = ApplicationCommunicator(Echo.as_asgi(), scope)
        await communicator.send_input({"type": "websocket.connect"})
        assert (await communicator.receive_output(60))["type"] == "websocket.accept"
        await communicator.send_input({"type": "websocket.receive", "text": '"hello"'})
        assert json.loads((await communicator.receive_output(60))["text"]) == "hello"
        await communicator.send_input({"type": "websocket.receive", "text": "hello"})
        closed = await communicator.receive_output(60)
        assert (closed["type"], closed["code"]) == ("websocket.close", 1007)
        await communicator.send_input({"type": "websocket.receive", "text": '"late"'})
        assert await communicator.receive_nothing(0.1)
        await communicator.send_input({"type": "websocket.disconnect", "code": 1007})
        await communicator.wait(60)

    asyncio.run(run())

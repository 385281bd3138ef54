from typing import Any

from django_fargate.channels import AsyncJsonWebsocketConsumer

from .rooms import group_of, message_of


class EchoConsumer(AsyncJsonWebsocketConsumer):
    """Says who is connected, then sends back whatever it receives."""

    # It has no group. Otherwise it would listen to the channel layer, as every consumer does, and end with the cache.
    channel_layer_alias = "none"

    async def connect(self) -> None:
        await self.accept()
        user = self.scope["user"]
        await self.send_json({"authenticated": user.is_authenticated, "username": user.get_username()})

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.send_json({"echo": content})


class RoomConsumer(AsyncJsonWebsocketConsumer):
    """A socket in a room, for those who are logged in: what it says all others hear, whichever task they are in."""

    async def connect(self) -> None:
        self.group = group_of(self.scope["url_route"]["kwargs"]["room"])
        if not self.scope["user"].is_authenticated:
            await self.close()
            return
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code: int) -> None:
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        text = content.get("text") if isinstance(content, dict) else None
        if isinstance(text, str):
            await self.channel_layer.group_send(self.group, message_of(text))

    async def room_message(self, event: dict[str, str]) -> None:
        await self.send_json({"text": event["text"]})

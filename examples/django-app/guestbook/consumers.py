from typing import Any

from django_fargate.channels import AsyncJsonWebsocketConsumer


class EchoConsumer(AsyncJsonWebsocketConsumer):
    """Says who is connected, then sends back whatever it receives."""

    async def connect(self) -> None:
        await self.accept()
        user = self.scope["user"]
        await self.send_json({"authenticated": user.is_authenticated, "username": user.get_username()})

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        await self.send_json({"echo": content})

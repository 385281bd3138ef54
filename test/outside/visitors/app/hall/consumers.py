from channels.generic.websocket import AsyncJsonWebsocketConsumer


class Room(AsyncJsonWebsocketConsumer):
    """Open to everybody."""


class Desk(AsyncJsonWebsocketConsumer):
    """Open to whoever has a key, which no session has."""

    async def connect(self) -> None:
        await self.close()

from django_fargate.channels import AsyncJsonWebsocketConsumer

from .models import Message


class Room(AsyncJsonWebsocketConsumer):
    async def receive_json(self, content, **kwargs):
        name = self.scope["url_route"]["kwargs"]["name"]
        message = await Message.objects.acreate(room=name, text=str(content)[:1000])
        await self.send_json({"id": message.pk})

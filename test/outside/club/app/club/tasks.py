from asgiref.sync import async_to_sync
from celery import shared_task
from channels.layers import get_channel_layer


@shared_task
def say_later(room: str, text: str) -> None:
    message = {"type": "room.message", "text": f"{text}, from a worker"}
    async_to_sync(get_channel_layer().group_send)(f"room-{room}", message)

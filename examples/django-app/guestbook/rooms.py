"""A chat: what a view, a worker or a socket says in a room reaches every socket in it, by way of the channel layer."""

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

#: What a room may be called: group names of Channels are as narrow.
ROOM = "[a-z0-9-]{1,50}"
MAX_LENGTH = 500


def group_of(room: str) -> str:
    return f"room-{room}"


def message_of(text: str) -> dict[str, str]:
    """`type` names the method of the consumer that each socket is told by."""
    return {"type": "room.message", "text": text[:MAX_LENGTH]}


def say(room: str, text: str) -> None:
    """For views and tasks; a consumer awaits `group_send` itself."""
    async_to_sync(get_channel_layer().group_send)(group_of(room), message_of(text))

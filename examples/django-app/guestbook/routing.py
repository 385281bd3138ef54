from django.urls import path, re_path

from .consumers import EchoConsumer, RoomConsumer
from .rooms import ROOM

websocket_urlpatterns = [
    path("ws/echo", EchoConsumer.as_asgi()),
    re_path(rf"^ws/rooms/(?P<room>{ROOM})/$", RoomConsumer.as_asgi()),
]

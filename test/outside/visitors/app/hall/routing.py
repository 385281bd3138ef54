from django.urls import path, re_path

from .consumers import Desk, Room

sockets = [
    re_path(r"^ws/rooms/(?P<room>\w+)/$", Room.as_asgi()),
    path("ws/desks/<uuid:desk>/", Desk.as_asgi()),
]

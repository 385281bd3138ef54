from django.urls import re_path

from .consumers import Room

sockets = [re_path(r"^ws/rooms/(?P<room>\w+)/$", Room.as_asgi())]

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat.settings")
http = get_asgi_application()

from django.urls import path  # noqa: E402
from django_fargate.channels import AllowedHostsOriginValidator, AuthMiddlewareStack, URLRouter  # noqa: E402

from rooms.consumers import Room  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter([path("rooms/<slug:name>/live/", Room.as_asgi())]))
        ),
    }
)

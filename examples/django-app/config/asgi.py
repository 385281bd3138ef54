"""``uvicorn config.asgi:application``: WebSockets, and HTTP for the health check."""

import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

http = get_asgi_application()  # loads the applications, which the imports below need

from django_fargate.channels import AllowedHostsOriginValidator, AuthMiddlewareStack, URLRouter  # noqa: E402
from guestbook.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)

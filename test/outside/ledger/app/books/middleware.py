from django.http import HttpResponse
from django.utils.deprecation import MiddlewareMixin


class Ping(MiddlewareMixin):
    def process_request(self, request):
        return HttpResponse("pong") if request.path == "/ping" else None

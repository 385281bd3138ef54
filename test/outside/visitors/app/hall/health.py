from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpResponse


class up:
    """Answers the health check before anybody looks at the host name, and without a thread."""

    sync_capable = async_capable = True

    def __init__(self, get_response):
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request):
        if iscoroutinefunction(self):
            return self.asynchronous(request)
        return HttpResponse("up") if request.path == "/up/" else self.get_response(request)

    async def asynchronous(self, request):
        return HttpResponse("up") if request.path == "/up/" else await self.get_response(request)

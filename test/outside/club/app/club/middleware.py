from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpResponse
from redis.exceptions import RedisError


class up:
    """Answers the health check before anybody looks at the host name, and asks no service."""

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


class CacheAway:
    """A page that needs the cache says so while there is none: it is not the fault of the page."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, exception):
        if isinstance(exception, RedisError | ConnectionError):
            words = "The cache does not answer. Try again in a minute."
            return HttpResponse(words, status=503, headers={"Retry-After": "60"})
        return None

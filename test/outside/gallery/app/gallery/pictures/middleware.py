from asgiref.sync import iscoroutinefunction
from django.http import HttpResponse
from django.utils.decorators import sync_and_async_middleware


@sync_and_async_middleware
def up(get_response):
    """Answers the health check before anything looks at the name of the host."""
    if iscoroutinefunction(get_response):

        async def middleware(request):
            return HttpResponse("up") if request.path == "/up/" else await get_response(request)

    else:

        def middleware(request):
            return HttpResponse("up") if request.path == "/up/" else get_response(request)

    return middleware

from django.http import HttpResponse


def alive(get_response):
    def middleware(request):
        if request.path == "/alive/":
            return HttpResponse("alive", content_type="text/plain")
        return get_response(request)

    return middleware

from django.http import HttpResponse


def health_check(get_response):
    """Before the name of the host is looked at, and without the tables of the sites."""

    def middleware(request):
        if request.path == "/health-check":
            return HttpResponse("healthy", headers={"Content-Length": "7"})
        return get_response(request)

    return middleware

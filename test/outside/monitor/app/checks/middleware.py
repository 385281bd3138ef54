from django.http import HttpResponse


class StatusMiddleware:
    """Answers the health check before anything asks who it is."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path == "/api/status/":
            return HttpResponse("OK", headers={"Content-Length": "2"})
        return self.get_response(request)

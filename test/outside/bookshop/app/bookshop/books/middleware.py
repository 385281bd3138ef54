from django.http import HttpResponse


class Health:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return HttpResponse("ok") if request.path == "/health/" else self.get_response(request)

from django.http import HttpResponse


def up(get_response):
    return lambda request: HttpResponse() if request.path == "/up" else get_response(request)

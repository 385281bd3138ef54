from django.http import HttpResponse


def middleware(get_response):
    def answer(request):
        return HttpResponse("healthy") if request.path == "/-/health" else get_response(request)

    return answer

from django.http import HttpResponse


def up(get_response):
    """
    Answers /up.

    The load balancer asks by IP address, so this comes before anything that looks at the Host header.
    """

    def middleware(request):
        if request.path == "/up":
            return HttpResponse("up")
        return get_response(request)

    return middleware

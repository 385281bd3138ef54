from django.http import HttpRequest, JsonResponse

from .models import Visit


def latest(request: HttpRequest) -> JsonResponse:
    """A view without async: under ASGI each request in work has a thread of its own."""
    visits = Visit.objects.order_by("-at")[:10]
    return JsonResponse({"count": Visit.objects.count(), "latest": [visit.name for visit in visits]})

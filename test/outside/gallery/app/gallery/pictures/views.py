from django.core.cache import cache
from django.http import JsonResponse

from .models import Picture


def latest(request):
    pictures = Picture.objects.order_by("-added")[:20]
    files = [{"title": picture.title, "url": picture.file.url} for picture in pictures]
    return JsonResponse({"count": cache.get_or_set("pictures", Picture.objects.count, 60), "pictures": files})

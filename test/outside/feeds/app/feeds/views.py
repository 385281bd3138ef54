from django.core.cache import cache
from django.http import HttpResponse
from django.templatetags.static import static

from .models import Feed


def home(request):
    count = cache.get_or_set("feeds", Feed.objects.count, 60)
    return HttpResponse(f'<link rel="stylesheet" href="{static("feeds.css")}"><p>{count} feeds</p>')

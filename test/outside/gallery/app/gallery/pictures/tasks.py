from celery import shared_task
from django.core.cache import cache

from .models import Picture


@shared_task
def count() -> int:
    pictures = Picture.objects.count()
    cache.set("pictures", pictures, 60)
    return pictures


@shared_task
def thumbnail(picture: int) -> str:
    return Picture.objects.get(pk=picture).file.name

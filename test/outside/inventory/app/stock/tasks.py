from celery import shared_task

from .models import Item


@shared_task
def count() -> int:
    return Item.objects.count()

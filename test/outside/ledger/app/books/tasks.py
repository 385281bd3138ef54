from celery import shared_task
from django.db.models import Sum

from .models import Entry


@shared_task
def balance() -> str:
    return str(Entry.objects.aggregate(Sum("amount"))["amount__sum"])

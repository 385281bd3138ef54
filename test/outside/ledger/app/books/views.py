from django.db.models import Sum
from django.http import JsonResponse

from .models import Entry


def total(request):
    return JsonResponse(Entry.objects.aggregate(total=Sum("amount")))

from django.http import JsonResponse

from .models import Item


def items(request):
    return JsonResponse({"items": list(Item.objects.values("name", "quantity"))})

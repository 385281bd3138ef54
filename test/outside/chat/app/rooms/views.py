from django.http import JsonResponse

from .models import Message


async def rooms(request):
    names = Message.objects.order_by("room").values_list("room", flat=True).distinct()
    return JsonResponse({"rooms": [name async for name in names]})

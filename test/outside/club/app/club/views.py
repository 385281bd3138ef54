from uuid import uuid4

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from .models import Picture
from .tasks import say_later

LARGEST = 5 * 1024 * 1024


@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """A page that needs neither the cache nor anything else."""
    return HttpResponse("<!doctype html><title>The club</title><a href='/pictures/'>Pictures</a>")


@require_GET
def today(request: HttpRequest) -> JsonResponse:
    """A page that is made once a minute, whichever task is asked for it."""
    page = cache.get_or_set("today", lambda: {"made": str(uuid4()), "pictures": Picture.objects.count()}, 60)
    return JsonResponse(page)


@login_required(login_url="/admin/login/")
def pictures(request: HttpRequest):
    """Pictures, each with a signed address; takes another one."""
    if request.method == "POST":
        Picture.objects.create(file=request.FILES["file"])
        return redirect("/pictures/")
    return render(request, "club/pictures.html", {"pictures": Picture.objects.order_by("-at")[:20]})


@login_required(login_url="/admin/login/")
@require_GET
def upload_form(request: HttpRequest) -> JsonResponse:
    """A form that a browser sends with a file to the bucket itself."""
    key = f"uploads/{request.user.pk}/{uuid4()}"
    form = default_storage.connection.meta.client.generate_presigned_post(
        default_storage.bucket_name,
        key,
        Fields={"Content-Type": "image/png"},
        Conditions=[{"Content-Type": "image/png"}, ["content-length-range", 1, LARGEST]],
        ExpiresIn=300,
    )
    return JsonResponse(form)


@require_POST
@login_required(login_url="/admin/login/")
def say(request: HttpRequest, room: str) -> JsonResponse:
    """Tells every socket in a room, at once and by way of a worker."""
    message = {"type": "room.message", "text": request.POST["text"]}
    async_to_sync(get_channel_layer().group_send)(f"room-{room}", message)
    say_later.delay(room, request.POST["text"])
    return JsonResponse({"said": True})

from io import BytesIO
from uuid import uuid4

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from PIL import Image

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
    """Previews for everybody, each with the signed address of its picture; takes another one."""
    if request.method == "POST":
        file = request.FILES["file"]
        Picture.objects.create(file=file, preview=preview_of(file))
        return redirect("/pictures/")
    return render(request, "club/pictures.html", {"pictures": Picture.objects.order_by("-at")[:20]})


def preview_of(file) -> ContentFile:
    small = BytesIO()
    with Image.open(file) as image:
        image.thumbnail((200, 200))
        image.save(small, "PNG")
    file.seek(0)
    return ContentFile(small.getvalue(), "preview.png")


@login_required(login_url="/admin/login/")
@require_GET
def upload_form(request: HttpRequest) -> JsonResponse:
    """A form that a browser sends with a file to the bucket itself, and the address of the file."""
    storage = storages["public" if "public" in request.GET else "default"]
    name = f"uploads/{request.user.pk}/{uuid4()}"
    fields = {"Content-Type": "image/png", "Cache-Control": "public, max-age=86400"}
    form = storage.connection.meta.client.generate_presigned_post(
        storage.bucket_name,
        f"{storage.location}/{name}",
        Fields=fields,
        Conditions=[*({field: value} for field, value in fields.items()), ["content-length-range", 1, LARGEST]],
        ExpiresIn=300,
    )
    return JsonResponse({**form, "address": storage.url(name)})


@require_POST
@login_required(login_url="/admin/login/")
def say(request: HttpRequest, room: str) -> JsonResponse:
    """Tells every socket in a room, at once and by way of a worker."""
    message = {"type": "room.message", "text": request.POST["text"]}
    async_to_sync(get_channel_layer().group_send)(f"room-{room}", message)
    say_later.delay(room, request.POST["text"])
    return JsonResponse({"said": True})

"""Pictures: uploaded through the application, or by a browser to the bucket itself."""

from io import BytesIO
from uuid import uuid4

from django.contrib.auth.decorators import login_required
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from PIL import Image

from .forms import MAX_BYTES, PictureForm
from .models import Picture

PAGE_SIZE = 20


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def pictures(request: HttpRequest) -> HttpResponse:
    """The latest pictures, each as a small one that leads to itself; takes another one."""
    form = PictureForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        Picture.objects.create(file=file, preview=preview_of(file))
        return redirect("pictures")
    status = 400 if form.errors else 200
    context = {"form": form, "pictures": Picture.objects.all()[:PAGE_SIZE]}
    return render(request, "guestbook/pictures.html", context, status=status)


@login_required
@require_GET
def picture_form(request: HttpRequest) -> JsonResponse:
    """A form that a browser sends with a large picture to the bucket itself, for five minutes, and its name there."""
    name = f"{own_folder(request)}{uuid4()}.png"
    fields = {"Content-Type": "image/png", "Cache-Control": "max-age=86400"}
    form = default_storage.connection.meta.client.generate_presigned_post(
        default_storage.bucket_name,
        f"{default_storage.location}/{name}",
        Fields=fields,
        Conditions=[*({field: value} for field, value in fields.items()), ["content-length-range", 1, MAX_BYTES]],
        ExpiresIn=300,
    )
    return JsonResponse({**form, "name": name, "address": default_storage.url(name)})


@login_required
@require_POST
def sent_picture(request: HttpRequest) -> HttpResponse:
    """Takes up what a browser has sent to the bucket, where nobody has looked at it: whose it is, and what it is."""
    name = request.POST.get("name", "")
    if not name.startswith(own_folder(request)) or not default_storage.exists(name):
        return JsonResponse({"error": "You have sent no such picture."}, status=400)
    with default_storage.open(name) as file:
        form = PictureForm(files={"file": file})
        if not form.is_valid():
            return JsonResponse({"errors": form.errors}, status=400)
        Picture.objects.create(file=name, preview=preview_of(file))
    return redirect("pictures")


def own_folder(request: HttpRequest) -> str:
    return f"uploads/{request.user.pk}/"


def preview_of(file: File) -> ContentFile:
    small = BytesIO()
    file.seek(0)
    with Image.open(file) as image:
        image.thumbnail((200, 200))
        image.save(small, "PNG")
    file.seek(0)
    return ContentFile(small.getvalue(), "preview.png")

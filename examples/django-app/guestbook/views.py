"""Pages of the guestbook."""

import logging
import time
from typing import Any

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordResetView
from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import cache_page
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from kombu.exceptions import OperationalError

from .drills import DRILLS
from .forms import DrillForm, MessageForm
from .models import Message, Picture, TaskRecord
from .rooms import say
from .tasks import count_words, say_later

logger = logging.getLogger(__name__)

PAGE_SIZE = 50
#: The longest answer, in seconds, that anyone can ask /slow for.
#: Below the load balancer's idle timeout and the server's graceful timeout.
MAX_SECONDS = 10.0
INVITATION_SALT = "guestbook.invitation"
INVITATION_MAX_AGE = 14 * 24 * 3600


@require_http_methods(["GET", "HEAD", "POST"])
def messages(request: HttpRequest) -> HttpResponse:
    """The guestbook: read and write."""
    form = MessageForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        message = form.save(commit=False)
        message.author = request.user if request.user.is_authenticated else None
        message.save()
        # A queue that is away must not cost the message: the heartbeat sends again what has no words yet.
        transaction.on_commit(lambda: count_words.delay(message.pk), robust=True)
        return redirect("messages")
    status = 400 if form.errors else 200
    context = {"form": form, "entries": Message.objects.select_related("author")[:PAGE_SIZE]}
    return render(request, "guestbook/messages.html", context, status=status)


@require_GET
def api_messages(request: HttpRequest) -> JsonResponse:
    """The latest messages as JSON."""
    entries = Message.objects.values("id", "text", "words", "created_at")[:PAGE_SIZE]
    return JsonResponse({"messages": list(entries)})


@require_GET
def api_session(request: HttpRequest) -> JsonResponse:
    """Who is asking."""
    return JsonResponse({"authenticated": request.user.is_authenticated, "username": request.user.get_username()})


@require_GET
def tasks(request: HttpRequest) -> HttpResponse:
    """What the workers did lately."""
    return render(request, "guestbook/tasks.html", {"records": TaskRecord.objects.all()[:PAGE_SIZE]})


@require_GET
def api_tasks(request: HttpRequest) -> JsonResponse:
    """What the workers did lately, as JSON; `?label=` and `?name=` narrow it down."""
    records = TaskRecord.objects.all()
    for field in ("label", "name"):
        if field in request.GET:
            records = records.filter(**{field: request.GET[field]})
    fields = ("id", "task_id", "name", "queue", "worker", "label", "started_at", "finished_at")
    return JsonResponse({"tasks": list(records.values(*fields)[:500])})


@require_GET
@cache_page(60)
def today(request: HttpRequest) -> HttpResponse:
    """Made once a minute, whichever task is asked for it: the page is the same for everybody, and has no form."""
    context = {"messages": Message.objects.count(), "pictures": Picture.objects.count(), "made": timezone.now()}
    return render(request, "guestbook/today.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def room(request: HttpRequest, room: str) -> HttpResponse:
    """A chat. What is posted to it is said at once, and once more by way of a worker."""
    if request.method == "POST":
        text = request.POST.get("text", "")
        say(room, text)
        say_later.delay(room, text)
        return redirect("room", room)
    return render(request, "guestbook/room.html", {"room": room})


class PasswordReset(PasswordResetView):
    """Django's own page for a forgotten password. Where the stack sends no mail, it says so."""

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if settings.SENDS_MAIL:
            return super().dispatch(*args, **kwargs)
        return render(self.request, "guestbook/no_mail.html", status=404)


@staff_member_required
@require_POST
def start_drill(request: HttpRequest) -> HttpResponse:
    """Start one of the drills. For staff: they cost worker time, and kill workers."""
    form = DrillForm(request.POST)
    if not form.is_valid():
        return JsonResponse({"errors": form.errors}, status=400)
    try:
        result = DRILLS[form.cleaned_data["drill"]].delay(**form.arguments())
    except OperationalError:  # SQS refuses, or has not answered within ten seconds
        logger.warning("No task was posted", exc_info=True)
        return HttpResponse(
            "The queue does not answer at the moment. Please try again shortly.\n",
            status=503,
            content_type="text/plain",
            headers={"Retry-After": "5"},
        )
    return JsonResponse({"task_id": result.id}, status=202)


@require_GET
def slow(request: HttpRequest) -> HttpResponse:
    """Answers after `?seconds=`, at most ten: to see requests in flight being drained."""
    try:
        seconds = float(request.GET.get("seconds", "1"))
    except ValueError:
        return HttpResponseBadRequest("`seconds` must be a number\n", content_type="text/plain")
    if not 0 <= seconds <= MAX_SECONDS:
        return HttpResponseBadRequest(f"`seconds` must be from 0 to {MAX_SECONDS:g}\n", content_type="text/plain")
    time.sleep(seconds)
    return HttpResponse("done\n", content_type="text/plain")


@login_required
@require_GET
def invite(request: HttpRequest) -> JsonResponse:
    """A signed link that stays valid across rotations of SECRET_KEY."""
    token = signing.dumps({"from": request.user.get_username()}, salt=INVITATION_SALT)
    return JsonResponse({"url": f"/invitations/{token}/"})


@require_GET
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """What a signed link leads to."""
    try:
        content = signing.loads(token, salt=INVITATION_SALT, max_age=INVITATION_MAX_AGE)
    except signing.BadSignature:
        return JsonResponse({"error": "This invitation is not valid."}, status=403)
    return JsonResponse({"from": content["from"]})

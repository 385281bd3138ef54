from django.shortcuts import redirect, render

from .models import Note


def index(request):
    """The notes, and a form for one more."""
    text = request.POST.get("text", "").replace("\0", "").strip()  # PostgreSQL refuses NUL
    if request.method == "POST" and text:
        Note.objects.create(text=text[:200])
        return redirect("index")
    return render(request, "notes/index.html", {"notes": Note.objects.order_by("-pk")[:20]})

from django.shortcuts import render

from .models import Check


def index(request):
    return render(request, "index.html", {"checks": Check.objects.all()})

from django.shortcuts import render

from .models import Book


def home(request):
    return render(request, "home.html", {"books": Book.objects.order_by("title")[:50]})

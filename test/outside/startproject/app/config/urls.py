from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.urls import path


def home(request):
    return HttpResponse(f"{get_user_model().objects.count()} users")


urlpatterns = [path("", home), path("admin/", admin.site.urls)]

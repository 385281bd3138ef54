from checks.views import index
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", index),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
]

from django.contrib import admin
from django.urls import path

from hall.views import latest

urlpatterns = [
    path("", latest),
    path("admin/", admin.site.urls),
]

from django.contrib import admin
from django.urls import path
from rooms.views import rooms

urlpatterns = [path("", rooms), path("admin/", admin.site.urls)]

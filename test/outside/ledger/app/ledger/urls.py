from books.views import total
from django.contrib import admin
from django.urls import path

urlpatterns = [path("", total), path("admin/", admin.site.urls)]

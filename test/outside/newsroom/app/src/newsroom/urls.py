from articles.views import front
from django.contrib import admin
from django.urls import path

urlpatterns = [path("", front), path("desk/", admin.site.urls)]

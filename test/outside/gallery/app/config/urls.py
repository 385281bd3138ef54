from django.conf import settings
from django.contrib import admin
from django.urls import path
from django.views.generic import TemplateView

from gallery.pictures.views import latest

urlpatterns = [
    path("", latest, name="home"),
    path("about/", TemplateView.as_view(template_name="about.html"), name="about"),
    path(settings.ADMIN_URL, admin.site.urls),
]

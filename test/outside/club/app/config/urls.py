from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import path

from club import views

urlpatterns = [
    path("", views.index),
    path("today/", views.today),
    path("pictures/", views.pictures),
    path("pictures/form/", views.upload_form),
    path("say/<slug:room>/", views.say),
    path("accounts/reset/", auth.PasswordResetView.as_view(success_url="/"), name="password_reset"),
    path(
        "accounts/reset/<uidb64>/<token>/",
        auth.PasswordResetConfirmView.as_view(success_url="/"),
        name="password_reset_confirm",
    ),
    path("admin/", admin.site.urls),
]

from django.contrib import admin
from django.urls import include, path

from guestbook.views import PasswordReset

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/password_reset/", PasswordReset.as_view(), name="password_reset"),
    path("accounts/", include("django.contrib.auth.urls")),
    path("", include("guestbook.urls")),
]

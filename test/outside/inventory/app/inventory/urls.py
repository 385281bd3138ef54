from django.contrib import admin
from django.urls import path

from stock.views import items

urlpatterns = [
    path("api/v1/items/", items),
    path("backstage/", admin.site.urls),
]

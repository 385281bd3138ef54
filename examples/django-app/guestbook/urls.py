from django.urls import path, re_path

from . import pictures, views
from .rooms import ROOM

urlpatterns = [
    path("", views.messages, name="messages"),
    path("api/messages", views.api_messages, name="api-messages"),
    path("api/tasks", views.api_tasks, name="api-tasks"),
    path("api/session", views.api_session, name="api-session"),
    path("tasks/", views.tasks, name="tasks"),
    path("pictures/", pictures.pictures, name="pictures"),
    path("pictures/form/", pictures.picture_form, name="picture-form"),
    path("pictures/sent/", pictures.sent_picture, name="sent-picture"),
    path("today/", views.today, name="today"),
    re_path(rf"^rooms/(?P<room>{ROOM})/$", views.room, name="room"),
    path("drills/", views.start_drill, name="start-drill"),
    path("slow", views.slow, name="slow"),
    path("invitations/", views.invite, name="invite"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
]

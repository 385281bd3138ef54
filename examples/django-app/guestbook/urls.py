from django.urls import path

from . import views

urlpatterns = [
    path("", views.messages, name="messages"),
    path("api/messages", views.api_messages, name="api-messages"),
    path("api/tasks", views.api_tasks, name="api-tasks"),
    path("api/session", views.api_session, name="api-session"),
    path("tasks/", views.tasks, name="tasks"),
    path("drills/", views.start_drill, name="start-drill"),
    path("slow", views.slow, name="slow"),
    path("invitations/", views.invite, name="invite"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
]

from django.contrib import admin

from .models import Message, Picture, TaskRecord


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    list_display = ["text", "author", "words", "created_at"]
    search_fields = ["text"]


admin.site.register(Picture)


@admin.register(TaskRecord)
class TaskRecordAdmin(admin.ModelAdmin):
    list_display = ["name", "queue", "worker", "label", "started_at", "finished_at"]
    list_filter = ["name", "queue"]

"""What the guestbook keeps: messages, pictures, and a record of each task that worked on something."""

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import models


def public_storage() -> Storage:
    """A function, so that migrations name no bucket."""
    return storages["public"]


class Message(models.Model):
    """An entry of the guestbook. A task counts its words after it was posted."""

    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    text = models.CharField(max_length=500)
    words = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.text[:50]


class Picture(models.Model):
    """A picture for those who are logged in, and a small one that everybody may see."""

    file = models.ImageField(upload_to="pictures")
    preview = models.ImageField(upload_to="previews", storage=public_storage)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return self.file.name


class TaskRecord(models.Model):
    """One run of a task: a redelivered task has several, a finished one has a `finished_at`."""

    task_id = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=200)
    queue = models.CharField(max_length=100)
    worker = models.CharField(max_length=200)
    label = models.CharField(max_length=200, blank=True, db_index=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.name} {self.task_id}"

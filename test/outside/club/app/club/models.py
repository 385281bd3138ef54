from django.core.files.storage import Storage, storages
from django.db import models


def public() -> Storage:
    return storages["public"]


class Picture(models.Model):
    """A picture for those who are logged in, and a small one that everybody may see."""

    file = models.ImageField(upload_to="pictures")
    preview = models.ImageField(storage=public, upload_to="previews")
    at = models.DateTimeField(auto_now_add=True)

from django.db import models


class Picture(models.Model):
    file = models.ImageField(upload_to="pictures")
    at = models.DateTimeField(auto_now_add=True)

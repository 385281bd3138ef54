from django.db import models


class Picture(models.Model):
    title = models.CharField(max_length=200)
    file = models.FileField(upload_to="pictures/")
    added = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.title

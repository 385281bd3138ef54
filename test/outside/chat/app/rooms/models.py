from django.db import models


class Message(models.Model):
    room = models.SlugField()
    text = models.TextField()

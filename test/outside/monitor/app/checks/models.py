from django.db import models


class Check(models.Model):
    name = models.CharField(max_length=100)
    alert_after = models.DateTimeField(null=True, db_index=True)

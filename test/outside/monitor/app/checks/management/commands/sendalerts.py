import time

from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils.timezone import now

from checks.models import Check


class Command(BaseCommand):
    help = "Sends the alerts that are due, for ever"

    def handle(self, **options):
        while True:
            close_old_connections()
            Check.objects.filter(alert_after__lt=now()).update(alert_after=None)
            time.sleep(2)

import time

from django.core.management.base import BaseCommand

from checks.models import Check


class Command(BaseCommand):
    help = "Sends the reports that are due"

    def add_arguments(self, parser):
        parser.add_argument("--loop", action="store_true")

    def handle(self, loop, **options):
        while True:
            self.stdout.write(f"{Check.objects.count()} checks")
            if not loop:
                return
            time.sleep(60)

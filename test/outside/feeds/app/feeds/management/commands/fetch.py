from django.core.management.base import BaseCommand

from feeds.models import Feed


class Command(BaseCommand):
    help = "Fetches the feeds that are due"

    def handle(self, **options):
        self.stdout.write(f"{Feed.objects.count()} feeds fetched")

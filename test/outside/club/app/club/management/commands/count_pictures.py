from typing import Any

from club.models import Picture
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """What a drill has this application say about a restored database."""

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"pictures: {Picture.objects.count()}")

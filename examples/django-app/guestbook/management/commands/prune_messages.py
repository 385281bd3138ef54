"""``manage.py prune_messages --days 90``: run by a ScheduledCommand."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from guestbook.models import Message


class Command(BaseCommand):
    help = "Delete messages older than a number of days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=90, help="age in days, at least 1 (default: 90)")
        parser.add_argument("--max", type=int, help="fail without deleting anything if there are more than this")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["days"] < 1:
            raise CommandError(f"--days must be at least 1, got {options['days']}.")
        old = Message.objects.filter(created_at__lt=timezone.now() - timedelta(days=options["days"]))
        found = old.count()
        if options["max"] is not None and found > options["max"]:
            raise CommandError(
                f"{found} messages are older than {options['days']} days, more than --max {options['max']}."
            )
        old.delete()
        self.stdout.write(f"Deleted {found} messages.")

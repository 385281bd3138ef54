"""``manage.py uploadstatic``: what a release does with its static files."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from ...checks import check_static_files
from ...static_files import upload


class Command(BaseCommand):
    help = "Uploads the static files of the image to the bucket that the distribution serves them from."
    requires_system_checks = []  # migrate, which comes next, runs them

    def handle(self, *args: Any, **options: Any) -> None:
        for message in check_static_files():
            self.stderr.write(f"{message.msg} {message.hint}")
        try:
            done = upload(warn=self.stderr.write)
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"static files: {done.uploaded} uploaded, {done.there} there already")

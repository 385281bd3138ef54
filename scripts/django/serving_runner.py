"""Runs tests as the login that serves; what a release or a test framework does, as the owner."""

from contextlib import contextmanager

from django.db import connections
from django.test import TransactionTestCase
from django.test.runner import DiscoverRunner

OWNER = "shop_release_a"
SERVING = "shop_a"
# These migrate in the test itself, which is the owner's work.
MIGRATIONS = "contenttypes_tests.test_operations."


def log_in_as(user):
    connection = connections["default"]
    connection.close()
    connection.settings_dict.update(USER=user, PASSWORD=user)


@contextmanager
def owner():
    log_in_as(OWNER)
    try:
        yield
    finally:
        log_in_as(SERVING)


flush = TransactionTestCase._fixture_teardown


def flush_as_owner(self):
    # The framework empties tables with TRUNCATE, which nothing does that serves.
    with owner():
        flush(self)


TransactionTestCase._fixture_teardown = flush_as_owner


class ServingRunner(DiscoverRunner):
    def build_suite(self, *args, **kwargs):
        suite = super().build_suite(*args, **kwargs)
        suite._tests = [test for test in suite._tests if not test.id().startswith(MIGRATIONS)]
        return suite

    def setup_databases(self, **kwargs):
        made = super().setup_databases(**kwargs)
        log_in_as(SERVING)
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT current_user, session_user")
            assert cursor.fetchone() == ("shop_serving", SERVING)
        return made

    def teardown_databases(self, old_config, **kwargs):
        log_in_as(OWNER)
        super().teardown_databases(old_config, **kwargs)

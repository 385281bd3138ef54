"""Settings for Django's own test suite: the tables are made by the owner, the tests run as what serves."""

import os

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "localhost",
        "PORT": os.environ["PORT"],
        "NAME": "shop",
        "USER": "shop_release_a",
        "PASSWORD": "shop_release_a",
        "OPTIONS": {"sslmode": "require"},
        "TEST": {"NAME": "shop"},
    },
    "other": {"ENGINE": "django.db.backends.sqlite3"},
}
SECRET_KEY = "only for tests"
USE_TZ = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
TEST_RUNNER = "serving_runner.ServingRunner"

from .base import *
from .base import BASE_DIR, INSTALLED_APPS

DEBUG = True
SECRET_KEY = "development"
INSTALLED_APPS += ["debug_toolbar"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}

"""Session engines that survive the rotation of SECRET_KEY: ``SESSION_ENGINE = "django_fargate.sessions.db"``."""

#: Seconds that a replaced session can still be read.
#: Longer than any request, and longer than a deployment takes to replace its tasks.
GRACE_SECONDS = 120

"""Session engines that survive the rotation of SECRET_KEY: ``SESSION_ENGINE = "django_fargate.sessions.db"``."""

#: Seconds that a replaced session can still be read: longer than any request, and than the roll of a deployment's tasks.
GRACE_SECONDS = 120

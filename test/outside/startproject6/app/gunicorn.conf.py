from django_fargate.gunicorn import hide_server_header
from django_fargate.threads import reserve_threads_for_health_checks

hide_server_header()
reserve_threads_for_health_checks()
logger_class = "django_fargate.gunicorn.Logger"

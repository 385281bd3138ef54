"""gunicorn reads this file by itself. Processes, threads and timeouts come from the service's command line."""

from django_fargate.gunicorn import hide_server_header

hide_server_header()
logger_class = "django_fargate.gunicorn.Logger"
control_socket_disable = True

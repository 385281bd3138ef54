"""The minimal application from Python: gunicorn, PostgreSQL, and a command each night."""

from pathlib import Path

from aws_cdk import App, TimeZone
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_scheduler as scheduler
from cdk_django_fargate import DjangoStack, Profile, ScheduledCommandOptions, WebServiceOptions

PROJECT = Path(__file__).parent.parent / "minimal" / "app"  # the folder with the Dockerfile

app = App()

DjangoStack(
    app,
    "Notes",
    profile=Profile.development(),
    image=ecs.ContainerImage.from_asset(str(PROJECT), platform=ecr_assets.Platform.LINUX_ARM64),
    settings_module="project.settings",
    web=WebServiceOptions(health_check_path="/up"),
    scheduled_commands={
        "check-database": ScheduledCommandOptions(
            command=["python", "manage.py", "check", "--database", "default"],
            schedule=scheduler.ScheduleExpression.cron(hour="3", minute="30", time_zone=TimeZone.EUROPE_BERLIN),
        ),
    },
)

app.synth()

"""The Django side of the contract between a container and the constructs of cdk-django-fargate."""

__version__ = "0.1.0"

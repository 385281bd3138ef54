"""Outgoing mail through Amazon SES, with the role of the task."""

from __future__ import annotations

from typing import Any

import django
from django.core.exceptions import ImproperlyConfigured

from .environment import is_installed, need, optional, required

#: Packages that send by the API of SES: module by the name to give.
PACKAGES = {"django-ses": "django_ses", "django-anymail": "anymail"}
#: What to install for each.
REQUIREMENTS = {"django-ses": "django-ses>=4.4", "django-anymail": "django-anymail[amazon-ses]"}


def has_mailers() -> bool:
    """Whether this Django sends by MAILERS, which earlier ones ignore, and refuses EMAIL_BACKEND beside it."""
    return django.VERSION >= (6, 1)


def mail(package: str | None = None) -> dict[str, Any]:
    """
    All settings of mail by their names, for ``globals().update(mail())``: what follows in the settings replaces them.

    EMAIL_BACKEND (MAILERS on Django 6.1 or later, which refuses both together), DEFAULT_FROM_EMAIL, SERVER_EMAIL, and
    what django-ses or django-anymail need to find region and configuration set. `package` says which of the two, where
    both are installed.
    """
    name = package or _installed()
    if name not in PACKAGES:
        raise ImproperlyConfigured(f"mail() knows {' and '.join(PACKAGES)}, not {name!r}.")
    need(f"mail({name!r})", REQUIREMENTS[name], PACKAGES[name], "boto3")
    sender = required("DEFAULT_FROM_EMAIL")
    # Django's own default for SERVER_EMAIL, root@localhost, is refused by SES.
    common = {"DEFAULT_FROM_EMAIL": sender, "SERVER_EMAIL": sender}
    region, configuration_set = required("AWS_SES_REGION_NAME"), optional("AWS_SES_CONFIGURATION_SET")
    return common | (_django_ses if name == "django-ses" else _anymail)(region, configuration_set)


def _django_ses(region: str, configuration_set: str | None) -> dict[str, Any]:
    settings: dict[str, Any] = {
        **_backend("django_ses.SESBackend"),
        "USE_SES_V2": True,
        "AWS_SES_REGION_NAME": region,
        # Otherwise it asks for the quota of the account, which processes may not, and no mail leaves.
        "AWS_SES_AUTO_THROTTLE": None,
    }
    return settings if configuration_set is None else {**settings, "AWS_SES_CONFIGURATION_SET": configuration_set}


def _anymail(region: str, configuration_set: str | None) -> dict[str, Any]:
    options: dict[str, Any] = {"AMAZON_SES_CLIENT_PARAMS": {"region_name": region}}
    if configuration_set is not None:
        options["AMAZON_SES_CONFIGURATION_SET_NAME"] = configuration_set
    return {**_backend("anymail.backends.amazon_ses.EmailBackend"), "ANYMAIL": options}


def _backend(path: str) -> dict[str, Any]:
    return {"MAILERS": {"default": {"BACKEND": path}}} if has_mailers() else {"EMAIL_BACKEND": path}


def _installed() -> str:
    found = [name for name, module in PACKAGES.items() if is_installed(module)]
    if len(found) == 1:
        return found[0]
    remedy = (
        f"Say which: {' or '.join(f'mail({name!r})' for name in found)}."
        if found
        else f"Install one: pip install {', or pip install '.join(map(repr, REQUIREMENTS.values()))}."
    )
    raise ImproperlyConfigured(f"mail() needs django-ses or django-anymail, and {len(found)} are installed. {remedy}")

"""Paths that would let a reader of the log in, and paths of every day."""

import json
import logging
import uuid

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.utils.crypto import get_random_string
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from django_fargate.logs import JsonFormatter, RequestFilter, UvicornAccessFilter
from django_fargate.masking import masked_path

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
HEX, URLSAFE, UUID = "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b", "Zm9vYmFyLWJheg-q3Rv_8sKx1", str(uuid.UUID(int=7**45))
SIGNED = "MQ:1tFkzq:3vR1mD0bJw8sZkq2nYx7Lh5Tt4Pp6Cc9Aa0Ee1Gg2I"

#: A path, what it must be in the log.
MASKED = [
    ("/resetpassword/xyz123", "/resetpassword/*"),
    ("/passwordreset/jane", "/passwordreset/*"),
    ("/verifyemail/123456/", "/verifyemail/*/"),
    ("/email-change/MQ/abcd1234", "/email-change/*/*"),
    ("/mfa/123456", "/mfa/*"),
    ("/2fa/backup/1234-5678", "/2fa/*/*"),
    ("/claim/XY12-ZT99", "/claim/*"),
    ("/guest/8f3c2a1d", "/guest/*"),
    ("/session/abcdef123", "/session/*"),
    ("/accounts/reset/MQ/c1abcd-0123456789abcdef/", "/accounts/reset/*/*/"),
    ("/accounts/reset/MQ/c1abcd-0123456789abcdef0123456789abcdef/", "/accounts/reset/*/*/"),
    ("/accounts/reset/MQ/set-password/", "/accounts/reset/*/set-password/"),
    ("/accounts/password/reset/key/1-c1abcd-0123456789abcdef0123456789abcdef/", "/accounts/password/reset/key/*/"),
    ("/accounts/password/reset/key/1-set-password/", "/accounts/password/reset/key/*/"),
    (f"/accounts/confirm-email/{SIGNED}/", "/accounts/confirm-email/*/"),
    ("/accounts/confirm-email/abcdef/", "/accounts/confirm-email/*/"),
    (f"/accounts/activate/{HEX}/", "/accounts/activate/*/"),
    ("/accounts/login/code/confirm/482913/", "/accounts/login/code/confirm/*/"),
    ("/login/482913", "/login/*"),
    (f"/login/{UUID}/", "/login/*/"),
    (f"/magic/{URLSAFE}", "/magic/*"),
    ("/magic/correct-horse-battery-staple/", "/magic/*/"),
    (f"/magic-link/{UUID}/", "/magic-link/*/"),
    (f"/users/7/verify/{UUID}", "/users/7/verify/*"),
    ("/verify/482913/", "/verify/*/"),
    (f"/invitations/accept-invite/{get_random_string(64).lower()}", "/invitations/*/*"),
    ("/join/AB12CD/", "/join/*/"),
    (f"/unsubscribe/jane.doe@example.com/{HEX}", "/unsubscribe/*/*"),
    (f"/api/v1/session/{JWT}", "/api/v1/session/*"),
    (f"/s/{JWT}/photo.jpg", "/s/*/photo.jpg"),
    (f"/admin/authtoken/token/{HEX}/change/", "/admin/authtoken/token/*/change/"),
    (f"/feeds/{URLSAFE}/calendar.ics", "/feeds/*/calendar.ics"),
    (f"/feeds/{HEX}.ics", "/feeds/*"),
    (f"/d/{get_random_string(22)}1a2B", "/d/*"),
    ("/d/kXqWzRtBnMpLsDfGhJ", "/d/*"),
    ("/d/ABCD-EF12-GH34-IJ56-KL78", "/d/*"),
    (f"/d/{signing.dumps({'user': 1}, key='k')}", "/d/*"),
    (f"/d/{signing.TimestampSigner(key='k').sign('jane')}", "/d/*"),
    ("/people/jane.doe@example.com/", "/people/*/"),
    (f"/accounts/reset%2FMQ%2F{HEX}", "/accounts/reset/*/*"),
    (f"/accounts%2Freset/MQ/c1abcd%2D{HEX}", "/accounts/reset/*/*"),
    (f"/magic%252F{URLSAFE}", "/magic/*"),
    (f"/RESET/MQ/{HEX}/", "/RESET/*/*/"),
    (f"//reset//MQ//{HEX}//", "//reset//*//*//"),
    ("/shop;jsessionid=9944B09199C62BCF", "/shop;*"),
    (f"/callback/access_token={URLSAFE}", "/callback/access_token=*"),
    ("/page%3Ftoken=hunter2", "/page*"),
    (f"/page?token={URLSAFE}", "/page"),
    ("/page?next=/reset/MQ/x", "/page"),
    (f"/page#access_token={URLSAFE}", "/page"),
    (f"/hooks/T024BE7LD/B024BE7LD/{get_random_string(24)}", "/hooks/*/*/*"),
    ("/oauth/github/482913/", "/oauth/github/*/"),
    (f"/sso/{get_random_string(10)}9", "/sso/*"),
    (f"/{get_random_string(40)}7", "/*"),
]
ORDINARY = [
    "/accounts/password_change/done/",
    "/presets/42/",
    "/guest/list/",
    "/changelog/jane",
    "",
    "/",
    "*",
    "/healthz",
    "/products/42/",
    "/orders/550e8400-e29b-41d4-a716-446655440000/",
    "/orders/1234567890123456789/",
    "/blog/2024/11/26/how-to-deploy-django-on-fargate-in-20-minutes/",
    "/blog/une-journ\u00e9e-inoubliable-\u00e0-la-campagne/",
    "/@ada/status/1859200000000000000",
    "/accounts/login/",
    "/accounts/login/google/callback/",
    "/accounts/password/reset/done/",
    "/accounts/password_reset/done/",
    "/accounts/reset/done/",
    "/accounts/confirm-email/",
    "/accounts/signup/inactive/",
    "/api/token/refresh/",
    "/api/v1/users/me/",
    "/admin/auth/user/5/change/",
    "/admin/guestbook/message/add/",
    "/oauth/github/callback/",
    "/static/admin/css/base.1f418065fc2c.css",
    "/static/assets/index-DkB3x9aQ81mZ.js",
    "/static/CACHE/js/output.8f3c2a1b9d0e4f5a6b7c.js.gz",
    "/media/photos/IMG_20240101_123456.jpg",
    "/reports/2024-11-26T10:15:00.123Z/",
    "/exports/backup-20241126T101500Z.tar",
    "/docs/getElementsByTagName/",
    "/docs/AbstractBaseUserPermissionsMixin/",
    "/wiki/Llanfairpwllgwyngyll/",
    "/shop/nike-air-max-90-v2-2024/",
    "/ws/rooms/7",
    "/.well-known/acme-challenge/",
]


@pytest.mark.parametrize(("path", "logged"), MASKED)
def test_what_lets_somebody_in_is_left_out(path, logged):
    assert masked_path(path) == logged


@pytest.mark.parametrize("path", ORDINARY)
def test_a_path_of_every_day_stays_as_it_is(path):
    assert masked_path(path) == path
    assert masked_path(f"{path}?page=2") == path


def test_no_link_that_django_makes_is_left(user):
    for _ in range(50):
        token, key = default_token_generator.make_token(user), signing.dumps(user.pk, salt="email")
        uid = urlsafe_base64_encode(force_bytes(user.pk))
        for path in (f"/accounts/reset/{uid}/{token}/", f"/r/{uid}/{token}", f"/x/{key}/", f"/{uid}-{token}"):
            assert not {token, key} & set(masked_path(path).split("/"))
            assert token not in masked_path(path)


@pytest.mark.parametrize(
    "make", [lambda: get_random_string(32), lambda: get_random_string(22), lambda: uuid.uuid4().hex]
)
def test_a_random_token_is_left_out_wherever_it_is(make):
    left = [token for token in (make() for _ in range(2000)) if token in masked_path(f"/d/{token}/")]
    assert len(left) <= 2, left


def test_a_path_of_any_length_and_kind_is_masked_in_no_time():
    for path in ("/" + "a-" * 20_000, "/" + "A1" * 20_000, "/" + ":" * 40_000, "/reset" * 8_000, "/" + "%25" * 13_000):
        masked_path(path)  # a pattern that backtracks would take minutes


TOKEN = "c1abcd-0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("logger", "message", "arguments"),
    [
        ("django.request", "%s: %s", ("Not Found", f"/accounts/reset/MQ/{TOKEN}/")),
        ("django.security.csrf", "Forbidden (%s): %s", ("CSRF cookie not set.", f"/accounts/reset/MQ/{TOKEN}/")),
        ("gunicorn.error", "Error handling request %s %s", ("GET", f"/accounts/reset/MQ/{TOKEN}/?next={TOKEN}")),
        ("gunicorn.error", f"Invalid request from ip=1.2.3.4: Invalid HTTP request line: '/reset/MQ/{TOKEN} x'", ()),
        (
            "uvicorn.access",
            '%s - "%s %s HTTP/%s" %d',
            ("1.2.3.4:5", "GET", f"/reset/MQ/{TOKEN}/?a={TOKEN}", "1.1", 200),
        ),
        ("uvicorn.error", '%s - "WebSocket %s" [accepted]', ("1.2.3.4:5", f"/ws/{TOKEN}?a={TOKEN}")),
        ("uvicorn.error", '%s - "WebSocket %s" 403', ("1.2.3.4:5", f"/ws/{TOKEN}?a={TOKEN}")),
    ],
)
def test_no_line_of_django_gunicorn_or_uvicorn_has_a_token(logger, message, arguments):
    record = logging.getLogger(logger).makeRecord(logger, logging.WARNING, __file__, 1, message, arguments, None)
    assert RequestFilter().filter(record)
    assert UvicornAccessFilter().filter(record)
    line = JsonFormatter().format(record)
    assert "0123456789abcdef" not in line
    assert json.loads(line)["levelname"] == "WARNING"

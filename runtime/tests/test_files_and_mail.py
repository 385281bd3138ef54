"""Files in a bucket and mail through SES, with the packages that do the work and doubles of the services."""

import base64
import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import storages as connections
from django.test import override_settings

from django_fargate import environment as variables
from django_fargate import mail as outgoing
from django_fargate import settings

BUCKET = {"AWS_STORAGE_BUCKET_NAME": "shop-media", "AWS_S3_REGION_NAME": "eu-south-2"}
MAIL = {
    "AWS_SES_REGION_NAME": "eu-central-1",
    "AWS_SES_CONFIGURATION_SET": "shop",
    "DEFAULT_FROM_EMAIL": "no-reply@shop.example.com",
}


class S3(BaseHTTPRequestHandler):
    """Enough of S3 to put an object, look whether it is there, and get it."""

    objects: dict[str, bytes]
    protocol_version = "HTTP/1.1"

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            size, rest = body.split(b"\r\n", 1)
            body = rest[: int(size.split(b";")[0], 16)]
        self.objects[urlsplit(self.path).path] = body
        self._answer(200, b"")

    def do_GET(self):
        body = self.objects.get(urlsplit(self.path).path)
        self._answer(404 if body is None else 200, body or b"")

    def do_HEAD(self):
        self.do_GET()

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def bucket(environment, monkeypatch):
    environment(**BUCKET, DJANGO_FARGATE_PROCESS="web")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAROLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    S3.objects = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), S3)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.daemon_threads = True
    server.block_on_close = False
    server.server_close()


def storage(**given):
    return connections.create_storage(settings.storages(**given)["default"])


def test_files_are_stored_in_the_bucket_and_never_overwritten(bucket):
    made = settings.storages()
    # The double has one address for every bucket.
    made["default"]["OPTIONS"] |= {"endpoint_url": bucket, "addressing_style": "path"}
    with override_settings(STORAGES=made):
        default = connections["default"]
        first = default.save("a.txt", ContentFile(b"one"))
        second = default.save("a.txt", ContentFile(b"two"))
        assert first == "a.txt"
        assert second != first
        assert {path: S3.objects[path] for path in S3.objects} == {
            f"/shop-media/{first}": b"one",
            f"/shop-media/{second}": b"two",
        }
        with default.open(first) as file:
            assert file.read() == b"one"


def test_addresses_are_signed_for_the_region_of_the_bucket_and_work_for_ten_minutes(bucket):
    address = urlsplit(storage().url("a.txt"))
    query = {name: value for name, [value] in parse_qs(address.query).items()}
    assert address.netloc == "shop-media.s3.eu-south-2.amazonaws.com"
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Credential"].split("/")[2] == "eu-south-2"
    assert query["X-Amz-Expires"] == "600"
    assert "X-Amz-Expires=60&" in storage(expire=60).url("a.txt")


def test_what_is_served_by_something_else_has_its_address(bucket):
    assert storage(signed=False, custom_domain="media.example.com").url("a.txt") == "https://media.example.com/a.txt"
    assert "X-Amz" not in storage(signed=False).url("a.txt")


KEY = rsa.generate_private_key(65537, 2048)
SIGNING = {
    "AWS_CLOUDFRONT_KEY": KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode(),
    "AWS_CLOUDFRONT_KEY_ID": "K2JCJMDEHXQW5F",
}


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # of django-storages
def test_a_process_that_has_the_key_signs_addresses_of_the_distribution(environment):
    environment(**BUCKET, **SIGNING, DJANGO_FARGATE_PROCESS="web")
    address = urlsplit(storage(custom_domain="files.example.com", expire=6 * 3600).url("a.txt"))
    query = {name: value for name, [value] in parse_qs(address.query).items()}
    assert (address.netloc, address.path) == ("files.example.com", "/a.txt")
    assert abs(int(query["Expires"]) - time.time() - 6 * 3600) < 60
    assert query["Key-Pair-Id"] == "K2JCJMDEHXQW5F"
    resource = {"Resource": "https://files.example.com/a.txt"}
    policy = {"Statement": [{**resource, "Condition": {"DateLessThan": {"AWS:EpochTime": int(query["Expires"])}}}]}
    signature = base64.b64decode(query["Signature"].translate(str.maketrans("-_~", "+=/")))
    signed = json.dumps(policy, separators=(",", ":")).encode()
    KEY.public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 django-storages has no other
    unsigned = storage(custom_domain="media.example.com", signed=False)
    assert unsigned.url("a.txt") == "https://media.example.com/a.txt"


def test_without_a_distribution_and_without_the_key_nothing_is_signed_with_it(environment):
    environment(**BUCKET, **SIGNING, DJANGO_FARGATE_PROCESS="web")
    assert "cloudfront_key" not in settings.storages()["default"]["OPTIONS"]
    environment(**BUCKET, DJANGO_FARGATE_PROCESS="release")
    assert storage(custom_domain="files.example.com").url("a.txt") == "https://files.example.com/a.txt"


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # of django-storages
def test_the_distribution_of_the_stack_has_the_addresses_of_both_folders(environment):
    environment(**BUCKET, **SIGNING, DJANGO_FARGATE_PROCESS="web", AWS_S3_CUSTOM_DOMAIN="shop.example.com")
    made = settings.storages(location="media", public_location="public", expire=60)
    signed = urlsplit(connections.create_storage(made["default"]).url("a.txt"))
    assert (signed.netloc, signed.path) == ("shop.example.com", "/media/a.txt")
    assert "Signature=" in signed.query
    assert connections.create_storage(made["public"]).url("b.txt") == "https://shop.example.com/public/b.txt"
    elsewhere = storage(location="media", custom_domain="files.example.com")
    assert urlsplit(elsewhere.url("a.txt")).netloc == "files.example.com"


def test_without_a_distribution_public_files_are_signed_too_because_the_bucket_is_private(bucket):
    made = settings.storages(location="media", public_location="public", expire=60)
    address = urlsplit(connections.create_storage(made["public"]).url("b.txt"))
    assert (address.netloc, address.path) == ("shop-media.s3.eu-south-2.amazonaws.com", "/public/b.txt")
    assert "X-Amz-Expires=60&" in address.query
    elsewhere = settings.storages(public_location="public", custom_domain="files.example.com")
    assert connections.create_storage(elsewhere["public"]).url("b.txt") == "https://files.example.com/public/b.txt"


def test_files_are_in_their_folders_of_the_bucket(bucket, environment, monkeypatch):
    made = settings.storages(location="media", public_location="public")
    for each in (made["default"], made["public"]):
        each["OPTIONS"] |= {"endpoint_url": bucket, "addressing_style": "path"}
    with override_settings(STORAGES=made):
        assert connections["default"].save("a.txt", ContentFile(b"one")) == "a.txt"
        assert connections["public"].save("a.txt", ContentFile(b"two")) == "a.txt"
    assert S3.objects == {"/shop-media/media/a.txt": b"one", "/shop-media/public/a.txt": b"two"}


def test_without_a_bucket_both_are_the_folder_of_media_files(environment):
    environment()
    made = settings.storages(location="media", public_location="public")
    assert made["public"] == made["default"] == {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    assert "public" not in settings.storages()


def test_a_key_without_its_id_and_one_without_cryptography_are_errors(environment, monkeypatch):
    environment(**BUCKET, AWS_CLOUDFRONT_KEY=SIGNING["AWS_CLOUDFRONT_KEY"])
    with pytest.raises(ImproperlyConfigured, match=r"AWS_CLOUDFRONT_KEY_ID is not set\. The keys for signed URLs"):
        storage(custom_domain="files.example.com")
    monkeypatch.setattr(variables, "find_spec", lambda name: None if name == "cryptography" else find_spec(name))
    with pytest.raises(ImproperlyConfigured, match="Run pip install 'cryptography'"):
        storage(custom_domain="files.example.com")


def test_static_files_are_those_of_the_image(bucket):
    assert settings.storages()["staticfiles"] == {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    assert settings.storages(staticfiles="a.B")["staticfiles"] == {"BACKEND": "a.B"}


def test_while_an_image_is_built_there_is_no_bucket(environment):
    environment()
    made = settings.storages()
    assert made["default"] == {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    assert made["staticfiles"]["BACKEND"].startswith("whitenoise.")


def test_in_a_process_a_missing_bucket_is_an_error(environment):
    environment(DJANGO_FARGATE_PROCESS="web")
    with pytest.raises(ImproperlyConfigured, match=r"AWS_STORAGE_BUCKET_NAME is not set\. The bucket for media files"):
        settings.storages()


class SentError(Exception):
    """Stops a call of boto3 before it leaves."""


@pytest.fixture
def requests(environment, monkeypatch):
    """What boto3 would send."""
    import boto3.session

    environment(**MAIL)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAROLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    seen = []
    real = boto3.session.Session.client

    def client(self, *given, **options):
        made = real(self, *given, **options)

        def before(request, **_):
            seen.append(request)
            raise SentError

        made.meta.events.register("before-send", before)
        return made

    monkeypatch.setattr(boto3.session.Session, "client", client)
    return seen


@pytest.mark.parametrize("package", ["django-ses", "django-anymail"])
def test_mail_leaves_by_the_api_of_the_region_with_the_configuration_set_and_asks_for_nothing_else(requests, package):
    from django.core.mail import EmailMessage

    made = settings.mail(package)
    assert (made["DEFAULT_FROM_EMAIL"], made["SERVER_EMAIL"]) == ("no-reply@shop.example.com",) * 2
    with override_settings(**made), pytest.raises(SentError):
        EmailMessage("Hi", "Body", None, ["a@example.org"]).send()
    [request] = requests
    assert request.url == "https://email.eu-central-1.amazonaws.com/v2/email/outbound-emails"
    body = json.loads(request.body)
    message = base64.b64decode(body["Content"]["Raw"]["Data"]).decode()
    assert "From: no-reply@shop.example.com" in message
    # django-ses names it in a header, which SES reads and takes out.
    assert body.get("ConfigurationSetName") == "shop" or "X-SES-CONFIGURATION-SET: shop" in message


@pytest.mark.parametrize("package", ["django-ses", "django-anymail"])
def test_mail_that_is_brought_may_have_no_configuration_set(environment, package):
    environment(**{name: value for name, value in MAIL.items() if name != "AWS_SES_CONFIGURATION_SET"})
    assert "CONFIGURATION_SET" not in str(settings.mail(package))


def backend_of(made):
    return made["MAILERS"]["default"]["BACKEND"] if outgoing.has_mailers() else made["EMAIL_BACKEND"]


@pytest.mark.parametrize("package", ["django-ses", "django-anymail"])
def test_django_61_gets_mailers_and_earlier_ones_email_backend(environment, monkeypatch, package):
    environment(**MAIL)
    for version, name, other in [((6, 1), "MAILERS", "EMAIL_BACKEND"), ((6, 0), "EMAIL_BACKEND", "MAILERS")]:
        monkeypatch.setattr("django.VERSION", (*version, 0, "final", 0))
        assert name in settings.mail(package)
        assert other not in settings.mail(package)


def test_a_new_project_of_django_takes_the_settings(environment, tmp_path):
    """Whose settings have MAILERS from 6.1 on."""
    environment(**MAIL)
    django_admin = [sys.executable, "-m", "django", "startproject", "shop", str(tmp_path)]
    subprocess.run(django_admin, check=True)
    with open(tmp_path / "shop" / "settings.py", "a") as file:
        file.write('from django_fargate.settings import mail\nglobals().update(mail("django-ses"))\n')
    sends = "from django.core.mail import get_connection; print(type(get_connection()).__name__)"
    command = [sys.executable, "-W", "ignore", str(tmp_path / "manage.py"), "shell", "-c", sends]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "SESBackend"


def only(*modules):
    return lambda name: object() if name in modules else None


def test_the_package_that_is_installed_is_taken(environment, monkeypatch):
    environment(**MAIL)
    assert find_spec("anymail") is not None
    monkeypatch.setattr(variables, "find_spec", only("django_ses", "boto3"))
    assert backend_of(settings.mail()) == "django_ses.SESBackend"
    monkeypatch.setattr(variables, "find_spec", only("anymail", "boto3"))
    assert backend_of(settings.mail()) == "anymail.backends.amazon_ses.EmailBackend"


@pytest.mark.parametrize(
    ("modules", "package", "problem"),
    [
        ((), None, "and 0 are installed. Install one: pip install 'django-ses>=4.4', or pip install 'django-anymail"),
        (("anymail", "django_ses"), None, r"and 2 are installed. Say which: mail\('django-ses'\) or mail\("),
        (("anymail",), None, r"and there is no module boto3. Run pip install 'django-anymail\[amazon-ses\]'"),
        (
            ("anymail", "boto3"),
            "django-ses",
            r"mail\('django-ses'\) needs django-ses>=4.4, and there is no module django_ses",
        ),
        (("anymail", "boto3"), "smtp", "mail.. knows django-ses and django-anymail, not 'smtp'"),
    ],
)
def test_what_is_missing_or_unclear_is_said_by_name(environment, monkeypatch, modules, package, problem):
    environment(**MAIL)
    monkeypatch.setattr(variables, "find_spec", only(*modules))
    with pytest.raises(ImproperlyConfigured, match=problem):
        settings.mail(package)


def test_a_missing_variable_of_mail_is_said_by_name(environment):
    environment()
    with pytest.raises(ImproperlyConfigured, match=r"DEFAULT_FROM_EMAIL is not set\. Outgoing mail sets it"):
        settings.mail("django-ses")

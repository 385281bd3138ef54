"""Static files on their way to the bucket: collected by Django, sent by boto3 to a double of S3."""

import hashlib
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from django_fargate import checks
from django_fargate.management.commands.uploadstatic import Command
from django_fargate.static_files import content_type

RELEASE = {
    "DJANGO_FARGATE_PROCESS": "release",
    "STATIC_FILES_BUCKET_NAME": "shop-static",
    "STATIC_FILES_REGION_NAME": "eu-south-2",
    "STATIC_FILES_PATHS": "/static/*",
}
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"
WHITENOISE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
YEAR = "public, max-age=31536000, immutable"
MINUTE = "public, max-age=60"


class S3(BaseHTTPRequestHandler):
    """Enough of S3 to list a bucket, page by page, and to put an object."""

    objects: dict[str, tuple[bytes, dict[str, str]]]
    puts: list[str]
    refused: set[str]
    page = 2
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        address = urlsplit(self.path)
        query = {name: value for name, [value] in parse_qs(address.query).items()}
        assert (address.path, query["list-type"]) == ("/shop-static", "2")
        if "" in self.refused:
            return self._answer(403, "<Error><Code>AccessDenied</Code><Message>No list</Message></Error>")
        keys = [key for key in sorted(self.objects) if key.startswith(query.get("prefix", ""))]
        keys = [key for key in keys if key > query.get("continuation-token", "")]
        contents = "".join(
            f"<Contents><Key>{key}</Key><Size>{len(body)}</Size><ETag>{headers['ETag']}</ETag></Contents>"
            for key in keys[: self.page]
            for body, headers in [self.objects[key]]
        )
        more = f"<NextContinuationToken>{keys[self.page - 1]}</NextContinuationToken>" if len(keys) > self.page else ""
        truncated = str(bool(more)).lower()
        listing = f"<ListBucketResult><IsTruncated>{truncated}</IsTruncated>{more}{contents}</ListBucketResult>"
        return self._answer(200, listing)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "aws-chunked" in self.headers.get("Content-Encoding", ""):
            size, rest = body.split(b"\r\n", 1)
            body = rest[: int(size.split(b";")[0], 16)]
        bucket, key = unquote(urlsplit(self.path).path)[1:].split("/", 1)
        assert bucket == "shop-static"
        if key in self.refused:
            return self._answer(403, "<Error><Code>AccessDenied</Code><Message>No put</Message></Error>")
        self.puts.append(key)
        etag = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        self.objects[key] = (body, {**dict(self.headers), "ETag": etag})
        return self._answer(200, "")

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def bucket(environment, monkeypatch):
    environment(**RELEASE)
    S3.objects, S3.puts, S3.refused = {}, [], set()
    server = ThreadingHTTPServer(("127.0.0.1", 0), S3)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAROLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
    yield S3
    server.shutdown()
    server.daemon_threads = True
    server.block_on_close = False
    server.server_close()


@pytest.fixture
def image(tmp_path):
    """Makes the static files of an image, as collectstatic does in its Dockerfile."""

    def build(files, backend=MANIFEST, url="static/"):
        sources, root = tmp_path / "sources", tmp_path / f"root-{len(list(tmp_path.iterdir()))}"
        for name, text in files.items():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            (sources / name).write_text(text)
        changed = override_settings(
            INSTALLED_APPS=["django.contrib.staticfiles", "django_fargate"],
            STATIC_URL=url,
            STATIC_ROOT=root,
            STATICFILES_DIRS=[sources],
            STATICFILES_FINDERS=["django.contrib.staticfiles.finders.FileSystemFinder"],
            STORAGES={"staticfiles": {"BACKEND": backend}},
        )
        with changed:
            call_command("collectstatic", interactive=False, verbosity=0)
        return changed

    return build


def uploaded(capsys):
    call_command("uploadstatic")
    return capsys.readouterr()


STYLES = {"shop/app.css": "body { background: url(logo.svg) }", "shop/logo.svg": "<svg/>"}


def named(text, name):
    stem, end = name.rsplit(".", 1)
    return f"{stem}.{hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:12]}.{end}"


def test_files_of_the_image_are_in_the_bucket_with_the_headers_that_browsers_need(bucket, image, capsys):
    with image(STYLES):
        said = uploaded(capsys)
    assert said.out == "static files: 4 uploaded, 0 there already\n"
    assert said.err == ""
    logo = named("<svg/>", "logo.svg")
    style = named(f'body {{ background: url("{logo}") }}', "app.css")
    assert {key: headers["Cache-Control"] for key, (_, headers) in bucket.objects.items()} == {
        "static/shop/app.css": MINUTE,
        "static/shop/logo.svg": MINUTE,
        f"static/shop/{style}": YEAR,
        f"static/shop/{logo}": YEAR,
    }
    body, headers = bucket.objects[f"static/shop/{style}"]
    assert logo.encode() in body
    assert headers["Content-Type"] == "text/css; charset=utf-8"
    assert bucket.objects[f"static/shop/{logo}"][1]["Content-Type"] == "image/svg+xml"


def test_the_next_release_adds_its_files_replaces_what_has_no_hash_and_deletes_nothing(bucket, image, capsys):
    with image(STYLES):
        uploaded(capsys)
    before = set(bucket.objects)
    bucket.puts.clear()
    with image({"shop/logo.svg": "<svg></svg>"}):
        said = uploaded(capsys)
    # The logo, with and without its hash, and the style sheet that now names another one.
    assert said.out == "static files: 3 uploaded, 1 there already\n"
    assert before < set(bucket.objects)
    assert "static/shop/app.css" not in bucket.puts
    assert bucket.objects["static/shop/logo.svg"][0] == b"<svg></svg>"


def test_again_it_uploads_nothing_however_many_pages_the_list_has(bucket, image, capsys):
    with image({**STYLES, **{f"{n}.txt": str(n) for n in range(5)}}):
        uploaded(capsys)
        bucket.puts.clear()
        said = uploaded(capsys)
    assert said.out == "static files: 0 uploaded, 14 there already\n"
    assert bucket.puts == []


@pytest.mark.parametrize("harm", ["cut off", "other content"])
def test_a_file_that_is_not_the_same_is_uploaded_again(bucket, image, capsys, harm):
    with image(STYLES):
        uploaded(capsys)
        body, headers = bucket.objects["static/shop/logo.svg"]
        other = body[:-1] if harm == "cut off" else b"x" * len(body)
        etag = headers["ETag"] if harm == "cut off" else '"0"'
        bucket.objects["static/shop/logo.svg"] = (other, {"ETag": etag})
        assert uploaded(capsys).out.startswith("static files: 1 uploaded,")
    assert bucket.objects["static/shop/logo.svg"][0] == body


def test_two_tasks_at_once_leave_the_bucket_as_one_does(bucket, image):
    errors = []

    def run():
        try:
            call_command("uploadstatic", stdout=StringIO())
        except CommandError as error:
            errors.append(error)

    with image(STYLES):
        tasks = [threading.Thread(target=run) for _ in range(2)]
        for task in tasks:
            task.start()
        for task in tasks:
            task.join()
    assert errors == []
    assert len(bucket.objects) == 4


def test_the_manifest_and_what_is_compressed_beforehand_stay_in_the_image(bucket, image, capsys):
    script = "let shop = 1;\n" * 200
    changed = image({"app.js": script, "data.tar.gz": "x"}, WHITENOISE)
    assert {"app.js.gz", "staticfiles.json"} < set(os.listdir(changed.options["STATIC_ROOT"]))
    with changed:
        uploaded(capsys)
    names = ["app.js", named(script, "app.js"), "data.tar.gz", named("x", "data.tar.gz")]
    assert set(bucket.objects) == {f"static/{name}" for name in names}


def test_without_hashes_nothing_is_kept_for_long_and_it_says_so(bucket, image, capsys):
    with image(STYLES, PLAIN):
        said = uploaded(capsys)
    assert "so pages of the previous release get the files of this one. Set STORAGES = storages()" in said.err
    assert {headers["Cache-Control"] for _, headers in bucket.objects.values()} == {MINUTE}


def test_one_upload_that_fails_fails_the_release(bucket, image):
    bucket.refused.add("static/shop/logo.svg")
    with image(STYLES), pytest.raises(CommandError, match=r"^static/shop/logo\.svg cannot be uploaded .*AccessDenied"):
        call_command("uploadstatic")


def test_a_bucket_that_cannot_be_listed_fails_the_release(bucket, image):
    bucket.refused.add("")
    with image(STYLES), pytest.raises(CommandError, match=r"^The bucket shop-static cannot be listed: .*AccessDenied"):
        call_command("uploadstatic")
    assert bucket.puts == []


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (
            {"STATIC_ROOT": "/nowhere/static"},
            "There are no files in /nowhere/static, which is STATIC_ROOT. Run collect",
        ),
        ({"STATIC_ROOT": None}, "STATIC_ROOT is not set. Run collectstatic in the Dockerfile"),
        (
            {"STATIC_URL": "https://cdn.example.com/static/"},
            "STATIC_URL is 'https://cdn.example.com/static/'. It must be",
        ),
        ({"STATIC_URL": "//cdn.example.com/static/"}, "It must be a path, such as 'static/'"),
        ({"STATIC_URL": "assets/"}, "STATIC_URL is '/assets/', and the distribution takes /static/* from the bucket"),
    ],
)
def test_what_does_not_fit_is_said_before_anything_is_uploaded(bucket, image, changed, problem):
    with image(STYLES), override_settings(**changed), pytest.raises(CommandError) as raised:
        call_command("uploadstatic")
    assert problem in str(raised.value)
    assert bucket.puts == []


def test_a_path_of_the_distribution_without_a_file_is_warned_of(bucket, image, capsys, monkeypatch):
    monkeypatch.setenv("STATIC_FILES_PATHS", "/favicon.ico,/static/*.?ss,/static/*")
    with image(STYLES):
        said = uploaded(capsys)
    assert said.err.count("\n") == 1
    assert said.err.startswith("No static file is at /favicon.ico, which the distribution takes from the bucket")


def test_without_a_distribution_that_says_its_paths_nothing_is_compared(bucket, image, capsys, monkeypatch):
    monkeypatch.delenv("STATIC_FILES_PATHS")
    with image(STYLES, url="/shop/assets/"):
        assert uploaded(capsys).err == ""
    assert all(key.startswith("shop/assets/shop/") for key in bucket.objects)


def test_outside_of_a_release_it_says_what_sets_the_bucket(environment):
    environment(DJANGO_FARGATE_PROCESS="web")
    expected = r"STATIC_FILES_BUCKET_NAME is not set\. The bucket of static files .* `staticFiles`\)"
    with pytest.raises(CommandError, match=expected):
        call_command(Command())


def test_without_boto3_it_says_what_to_install(environment, monkeypatch):
    environment(**RELEASE)
    monkeypatch.setattr("django_fargate.environment.find_spec", lambda _: None)
    with pytest.raises(CommandError, match=r"uploadstatic needs boto3, .* Run pip install 'boto3'"):
        call_command(Command())


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("app.mjs", "text/javascript; charset=utf-8"),
        ("app.js.map", "application/json"),
        ("robots.txt", "text/plain; charset=utf-8"),
        ("font.woff2", "font/woff2"),
        ("site.webmanifest", "application/manifest+json"),
        ("picture.webp", "image/webp"),
        ("data.tar.gz", "application/gzip"),
        ("data.json.bz2", "application/octet-stream"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_types_do_not_depend_on_the_image(name, expected):
    assert content_type(name) == expected


def test_a_manifest_is_asked_for_where_there_is_a_bucket(environment):
    def found(backend):
        with override_settings(STORAGES={"staticfiles": {"BACKEND": backend}}):
            return [message.id for message in checks.check_static_files()]

    environment(**RELEASE)
    assert found(PLAIN) == ["django_fargate.W011"]
    assert found("whitenoise.storage.CompressedStaticFilesStorage") == ["django_fargate.W011"]
    assert found(MANIFEST) == []
    assert found(WHITENOISE) == []
    environment(DJANGO_FARGATE_PROCESS="web")
    assert found(PLAIN) == []


@pytest.mark.parametrize("refused", [set(), {"static/shop/app.css"}])
def test_the_command_of_the_release_migrates_only_after_it(bucket, image, tmp_path, refused):
    """As the constructs run it: `sh -c "… uploadstatic && exec … migrate"`."""
    bucket.refused |= refused
    changed = image(STYLES)
    (tmp_path / "site_settings.py").write_text(
        f"""
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.staticfiles", "django_fargate"]
STATIC_URL = "static/"
STATIC_ROOT = {str(changed.options["STATIC_ROOT"])!r}
STORAGES = {{"staticfiles": {{"BACKEND": {MANIFEST!r}}}}}
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": {str(tmp_path / "db")!r}}}}}
"""
    )
    manage = f"{sys.executable} -W ignore -m django"
    variables = {**os.environ, "DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": str(tmp_path)}
    command = ["sh", "-c", f"{manage} uploadstatic && exec {manage} migrate --noinput"]
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert result.returncode == (1 if refused else 0), result.stderr
    assert ("Operations to perform" in result.stdout) == (not refused)
    assert ("CommandError: static/shop/app.css cannot be uploaded" in result.stderr) == bool(refused)
    assert "Traceback" not in result.stderr

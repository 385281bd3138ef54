"""
Static files in a bucket, from which a distribution serves them: what ``manage.py uploadstatic`` does in a release.

The files of earlier releases stay: a page of an earlier release may still be shown somewhere.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from mimetypes import MimeTypes
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured

from .environment import need, optional, required

_THREADS = 16
#: A name with a hash of the content never gets another content. Any other name may, with the next release.
_HASHED = "public, max-age=31536000, immutable"
_OTHER = "public, max-age=60"

#: Python's own table, which is the same in every image, and what it lacks in some version.
_TYPES = MimeTypes()
for _extension, _type in {
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".map": "application/json",
    ".mjs": "text/javascript",
    ".otf": "font/otf",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}.items():
    _TYPES.add_type(_type, _extension)


class Done(NamedTuple):
    """How many files were uploaded, and how many were in the bucket already."""

    uploaded: int
    there: int


class _Bucket(NamedTuple):
    """A client of S3, the name of the bucket, and size and ETag of each key that is in it."""

    client: Any
    name: str
    there: dict[str, tuple[int, str]]


def upload(warn: Callable[[str], Any]) -> Done:
    """
    Upload the files of STATIC_ROOT, except those that the bucket has, and raise ImproperlyConfigured if one fails.

    Two tasks at once, or one after the other, upload the same bytes to the same keys.
    """
    name, region = required("STATIC_FILES_BUCKET_NAME"), required("STATIC_FILES_REGION_NAME")
    need("uploadstatic", "boto3", "boto3")
    prefix = _prefix()
    files = {prefix + path.as_posix(): path for path in _collected()}
    _compare(files, warn)
    hashed = {prefix + path for path in getattr(staticfiles_storage, "hashed_files", {}).values()}
    client = _client(region)
    bucket = _Bucket(client, name, _listed(client, name, prefix))

    def one(key: str) -> bool:
        return _put(bucket, key, files[key], _HASHED if key in hashed else _OTHER)

    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            uploaded = sum(pool.map(one, sorted(files)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Done(uploaded, len(files) - uploaded)


def _prefix() -> str:
    """The path of STATIC_URL, as keys of the bucket have it: CloudFront asks for a path without its first slash."""
    address = urlsplit(settings.STATIC_URL or "")
    if address.netloc or not address.path.startswith("/"):
        raise ImproperlyConfigured(
            f"STATIC_URL is {settings.STATIC_URL!r}. It must be a path, such as 'static/': "
            "the distribution serves the files under the host name of the site."
        )
    return address.path[1:]


def _collected() -> list[Path]:
    """The files of STATIC_ROOT, relative to it, without the manifest and what is compressed beforehand."""
    root = settings.STATIC_ROOT
    found = {Path(folder, name).relative_to(root) for folder, _, names in os.walk(root or "") for name in names}
    if not found:
        raise ImproperlyConfigured(
            (f"There are no files in {root}, which is STATIC_ROOT" if root else "STATIC_ROOT is not set")
            + ". Run collectstatic in the Dockerfile: the image must have the files that the release uploads."
        )
    left_out = {Path(getattr(staticfiles_storage, "manifest_name", "staticfiles.json"))}
    # Of WhiteNoise. CloudFront compresses for each browser what it can read.
    left_out |= {path for path in found if path.suffix in (".gz", ".br") and path.with_suffix("") in found}
    return sorted(found - left_out)


def _compare(files: dict[str, Path], warn: Callable[[str], Any]) -> None:
    """Say where the paths of the distribution and the files do not fit, as far as they are known."""
    patterns = (optional("STATIC_FILES_PATHS") or "").split(",")
    matched = {pattern: any(_matches(pattern, f"/{key}") for key in files) for pattern in patterns if pattern}
    if matched and not any(matched.values()):
        raise ImproperlyConfigured(
            f"STATIC_URL is {settings.STATIC_URL!r}, and the distribution takes {', '.join(matched)} from the bucket, "
            "so it would serve none of the files. Change `cdn.staticPaths`, or STATIC_URL."
        )
    for pattern in (pattern for pattern, is_used in matched.items() if not is_used):
        warn(
            f"No static file is at {pattern}, which the distribution takes from the bucket: it answers 404 there. "
            "Take it out of `cdn.staticPaths`, if the application answers there."
        )


def _matches(pattern: str, path: str) -> bool:
    """As CloudFront matches: an asterisk stands for any characters, slashes included, and ``?`` for one."""
    escaped = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(escaped, path, re.DOTALL) is not None


def _client(region: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        signature_version="s3v4",
        max_pool_connections=_THREADS,
        retries={"mode": "standard", "max_attempts": 5},
        s3={"addressing_style": "virtual"},  # As in storages().
    )
    return boto3.client("s3", region_name=region, config=config)


def _listed(client: Any, name: str, prefix: str) -> dict[str, tuple[int, str]]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=prefix)
        return {each["Key"]: (each["Size"], each["ETag"]) for page in pages for each in page.get("Contents", [])}
    except (BotoCoreError, ClientError) as error:
        raise ImproperlyConfigured(f"The bucket {name} cannot be listed: {error}") from error


def _put(bucket: _Bucket, key: str, path: Path, cache_control: str) -> bool:
    """Whether the file had to be uploaded."""
    from botocore.exceptions import BotoCoreError, ClientError

    with open(Path(settings.STATIC_ROOT or "", path), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        known_size, etag = bucket.there.get(key, (-1, ""))
        if size == known_size and etag.strip('"') == _md5(file):
            return False
        file.seek(0)
        headers = {"CacheControl": cache_control, "ContentType": content_type(path.name)}
        try:
            bucket.client.put_object(Bucket=bucket.name, Key=key, Body=file, **headers)
        except (BotoCoreError, ClientError) as error:
            raise ImproperlyConfigured(f"{key} cannot be uploaded to the bucket {bucket.name}: {error}") from error
    return True


def _md5(file: BinaryIO) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    while piece := file.read(2**20):
        digest.update(piece)
    return digest.hexdigest()


def content_type(name: str) -> str:
    """By the end of a name, with the character set of text: browsers are told not to guess."""
    kind, encoding = _TYPES.guess_type(name)
    if encoding is not None:  # A download: nothing tells the browser to unpack it.
        return "application/gzip" if encoding == "gzip" else "application/octet-stream"
    if kind is None:
        return "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind

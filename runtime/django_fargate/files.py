"""Where files are: those that users upload in the bucket of the contract, static ones in the image."""

from __future__ import annotations

from typing import Any

from .environment import need, optional, process, required

WHITENOISE = "whitenoise.storage.CompressedManifestStaticFilesStorage"
#: Seconds that a signed address works.
EXPIRE = 600


def storages(
    *,
    signed: bool = True,
    expire: int = EXPIRE,
    custom_domain: str | None = None,
    location: str = "",
    public_location: str | None = None,
    staticfiles: str = WHITENOISE,
) -> dict[str, Any]:
    """
    ``STORAGES``: ``default`` in the bucket of AWS_STORAGE_BUCKET_NAME, ``staticfiles`` in the image, with WhiteNoise.

    Credentials come from the role of the task. The bucket is private, so every address is signed and works for
    `expire` seconds; `signed=False` leaves the signature out. Files are in the folder `location` of the bucket.

    Where the distribution of the stack serves the files, AWS_S3_CUSTOM_DOMAIN says so, and addresses are of its host
    name; `custom_domain` is that of another one. They are signed with the key in AWS_CLOUDFRONT_KEY where the process
    has it, which needs `cryptography`. `location` must be a folder that it serves: `media` for `/media/*`.

    `public_location` adds a storage `public` for files that everybody may read: in that folder, and not signed where
    something else than S3 serves them. Without a distribution the bucket lets nobody in, so those are signed, too.

    While an image is built, and on a developer's machine, there is no bucket: `default` and `public` are MEDIA_ROOT
    then. In a process of a stack that is an error, because such a folder is gone with the task.
    """
    if staticfiles == WHITENOISE:
        need("`staticfiles` of storages()", "whitenoise>=6.4", "whitenoise")
    domain = custom_domain or optional("AWS_S3_CUSTOM_DOMAIN")
    made = {
        "default": _in_bucket(signed=signed, expire=expire, custom_domain=domain, location=location),
        "staticfiles": {"BACKEND": staticfiles},
    }
    if public_location is not None:
        made["public"] = _in_bucket(
            signed=domain is None, expire=expire, custom_domain=domain, location=public_location
        )
    return made


def _in_bucket(*, signed: bool, expire: int, custom_domain: str | None, location: str) -> dict[str, Any]:
    if process() is None and optional("AWS_STORAGE_BUCKET_NAME") is None:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    need("storages()", "django-storages[s3]>=1.14", "storages", "boto3")
    options = {
        "bucket_name": required("AWS_STORAGE_BUCKET_NAME"),
        "region_name": required("AWS_S3_REGION_NAME"),
        # Otherwise boto3 signs for a host name that redirects to the region of a new bucket, where the signature does
        # not fit; and with a version that S3 refuses for files that are encrypted with KMS.
        "addressing_style": "virtual",
        "signature_version": "s3v4",
        "file_overwrite": False,
        "querystring_auth": signed,
        "querystring_expire": expire,
    }
    if location:
        options["location"] = location
    if custom_domain is not None:
        options["custom_domain"] = custom_domain
        if signed:
            options |= _signing_key()
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}


def _signing_key() -> dict[str, str]:
    """Releases and beat have none, and sign nothing."""
    if optional("AWS_CLOUDFRONT_KEY") is None:
        return {}
    need("storages(), to sign for CloudFront,", "cryptography", "cryptography")
    return {
        "cloudfront_key": required("AWS_CLOUDFRONT_KEY"),
        "cloudfront_key_id": required("AWS_CLOUDFRONT_KEY_ID"),
    }

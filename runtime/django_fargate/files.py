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
    staticfiles: str = WHITENOISE,
) -> dict[str, Any]:
    """
    ``STORAGES``: ``default`` in the bucket of AWS_STORAGE_BUCKET_NAME, ``staticfiles`` in the image, with WhiteNoise.

    Credentials come from the role of the task. The bucket is private, so every address is signed and works for
    `expire` seconds. Where something else serves the files, a CDN for example, `custom_domain` is its host name:
    addresses are signed with the key of `urlSigningKeys`, AWS_CLOUDFRONT_KEY, where the process has it, which needs
    `cryptography`. `signed=False` leaves the signature out.

    While an image is built, and on a developer's machine, there is no bucket: `default` is then a folder. In a process
    of a stack that is an error, because such a folder is gone with the task.
    """
    if staticfiles == WHITENOISE:
        need("`staticfiles` of storages()", "whitenoise>=6.4", "whitenoise")
    return {
        "default": _default(signed=signed, expire=expire, custom_domain=custom_domain),
        "staticfiles": {"BACKEND": staticfiles},
    }


def _default(**given: Any) -> dict[str, Any]:
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
        "querystring_auth": given["signed"],
        "querystring_expire": given["expire"],
    }
    if given["custom_domain"] is not None:
        options["custom_domain"] = given["custom_domain"]
        if given["signed"]:
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

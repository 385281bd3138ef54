"""
What of a request may be written to a log: its path, without what lets somebody in.

Whoever reads logs must not be able to use a link that was mailed to a user: to reset a password, to sign in, to
confirm an address, to take an invitation. Query strings are left out, and so are the parts of a path that look like a
token.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

#: Stands for a part of a path that is left out.
MASK = "*"

#: What follows one of these words in a path is left out, unless it is a step of the same dialogue.
_ONE_TIME = {
    *("reset", "recover", "recovery", "confirm", "confirmation", "verify", "verification", "validate"),
    *("activate", "activation", "unlock", "invite", "invites", "invitation", "invitations", "impersonate"),
    *("magic", "magiclink", "passwordless", "sesame", "onetime", "otp", "token", "tokens", "unsubscribe", "optout"),
    *("totp", "mfa", "2fa", "pin", "passcode", "claim", "redeem"),
}
#: The same words written as one with what they are about: ``resetpassword``, ``emailverify``.
_WRITTEN_AS_ONE = re.compile(
    r"(?P<about>password|passwort|pwd|pass|e?mail|account|user|login|phone|address|code|link|change)?"
    r"(?P<what>reset|recover|recovery|confirm|confirmation|verify|verification|validate|activate|activation|change|token)"
    r"(?(about)|(password|passwort|pwd|pass|e?mail|account|user|login|phone|address|code|link))"
)
#: What follows one of these is left out, unless it is made of words.
_DOOR = {
    *("login", "logon", "signin", "signup", "join", "sso", "saml", "oauth", "oauth2", "oidc"),
    *(
        "share",
        "shared",
        "guest",
        "preview",
        "session",
        "sessions",
        "private",
        "secret",
        "secrets",
        "webhook",
        "webhooks",
        "hook",
        "hooks",
    ),
}
#: The steps that follow those words in Django, allauth, djoser, simplejwt and oauth-toolkit, and words like them.
_STEPS = {
    *("key", "code", "link", "form", "step", "start", "finish", "new", "done", "complete", "completed", "sent", "send"),
    *("resend", "request", "list", "add", "create", "edit", "change", "delete", "history", "inactive", "expired"),
    *("invalid", "success", "failed", "failure", "error", "cancelled", "accept", "decline", "set-password", "password"),
    *(
        "email",
        "confirm",
        "confirm-email",
        "verify",
        "reset",
        "login",
        "logout",
        "signup",
        "signin",
        "refresh",
        "obtain",
    ),
    *("revoke", "introspect", "blacklist", "pair", "user", "users", "account", "accounts", "api", "jwt", "v1", "v2"),
    *("invitation", "token"),
}
_ASSET = re.compile(r"\.(css|js|mjs|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|otf|eot|mp4|webm|mp3)(\.(gz|br))?$")
_INSTANT = re.compile(r"[0-9]{8}T[0-9]{4,6}Z?")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORDS = re.compile(r"[A-Za-z]{1,20}([-_][A-Za-z]{1,20})*")
_SMALL_NUMBER = re.compile(r"[0-9]{1,3}")
_EMAIL = re.compile(r"[^@]+@[^@]+\.[^@]+")
#: Django's password reset, and allauth's with the user before it; the signature is hexadecimal.
_RESET_TOKEN = re.compile(r"([0-9A-Za-z]+-)?[0-9a-z]{1,13}-[0-9a-f]{16,}")
#: django.core.signing, itsdangerous and JSON Web Tokens: parts of which the last is a signature.
_SIGNED = re.compile(r".+[:.][A-Za-z0-9_-]{20,}={0,2}")
_SEPARATORS = re.compile(r"[-_.,+~:@!$()' ]+")
_HUMPS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
#: As short as this nothing is a token, unless the path says so.
_SHORT = 16


def masked_path(path: str) -> str:
    """A path as it may be logged: without query string, and with ``*`` for each part that looks like a token."""
    plain = path.split("?", 1)[0].split("#", 1)[0]
    decoded = _decoded(plain)
    masked = _masked(decoded)
    return plain if masked == decoded else masked


def _decoded(path: str) -> str:
    """As an application reads it; a link that went through a mail may be encoded twice."""
    for _ in range(3):
        once = unquote(path)
        if once == path:
            break
        path = once
    return path


def _masked(path: str) -> str:
    """Each part by itself, and by the words before it."""
    path, *rest = re.split(r"[?#]", path, maxsplit=1)
    parts: list[str] = []
    one_time = door = False
    for part in path.split("/"):
        parts.append(_masked_part(part, one_time=one_time, door=door))
        words = {part.lower(), *re.split(r"[-_.]", part.lower())}
        one_time = one_time or bool(words & _ONE_TIME) or any(map(_WRITTEN_AS_ONE.fullmatch, words | {_joined(part)}))
        door = door or bool(words & _DOOR)
    return "/".join(parts) + (MASK if rest else "")


def _joined(part: str) -> str:
    """As one word, whatever separates its words: ``email-change``."""
    return re.sub(r"[-_.]", "", part.lower())


def _masked_part(part: str, *, one_time: bool, door: bool) -> str:
    name, *parameters = re.split(r"[;=&]", part, maxsplit=1)
    if parameters and (name or parameters[0]):
        separator = part[len(name)]
        return (MASK if _is_secret(name, one_time=one_time, door=door) else name) + separator + MASK
    return MASK if _is_secret(part, one_time=one_time, door=door) else part


def _is_secret(part: str, *, one_time: bool, door: bool) -> bool:
    if not part or part.lower() in _STEPS:
        return False
    if (one_time or door) and not _SMALL_NUMBER.fullmatch(part) and (one_time or not _WORDS.fullmatch(part)):
        return True
    return bool(_EMAIL.fullmatch(part) or _RESET_TOKEN.fullmatch(part)) or _is_random(part)


def _is_random(part: str) -> bool:
    """Whether nobody would have chosen it: long, and neither words, numbers, a UUID nor a file of a page."""
    if len(part) < _SHORT or _UUID.fullmatch(part):
        return False
    if _ASSET.search(part):
        return False
    pieces = [piece for piece in _SEPARATORS.split(part) if piece]
    mixed = [piece for piece in pieces if not (piece.isalpha() or piece.isdigit() or _INSTANT.fullmatch(piece))]
    if any(len(piece) > 9 for piece in mixed) or sum(map(len, mixed)) >= 12:
        return True
    if any(piece.isdigit() and len(piece) > 19 for piece in pieces):
        return True
    if any(_is_gibberish(piece) for piece in pieces if piece.isalpha() and piece.isascii()):
        return True
    return bool(_SIGNED.fullmatch(part)) and not all(_WORDS.fullmatch(piece) or piece.isdigit() for piece in pieces)


def _is_gibberish(letters: str) -> bool:
    """Letters that make no words: their case changes all the time, or there is hardly a vowel."""
    if len(letters) < _SHORT:
        return False
    humps = _HUMPS.findall(letters)
    vowels = sum(letter in "aeiouyAEIOUY" for letter in letters)
    return max(map(len, humps)) > 24 or len(letters) / len(humps) < 4 or vowels / len(letters) < 0.25

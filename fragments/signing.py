"""One secret, rotated without a gap: keys derived per purpose, and HMAC signatures under them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final, Literal

from .errors import WireError

Purpose = Literal[
    "include", "shell", "manifest", "proof", "identity", "context", "sentinel", "etag", "surrogate"
]

MIN_SECRET: Final = 32
"""Characters of a secret; `python -c "import secrets; print(secrets.token_urlsafe(48))"` has 64."""

KEY_ID: Final = 4
MAC: Final = 32


class Keyring:
    """The secrets both sides share, newest first: the first signs, all of them verify.

    To rotate, put the new secret behind the old one everywhere, then in front, then drop the old.
    Raises ValueError for an empty ring or a secret of fewer than `MIN_SECRET` characters.
    """

    __slots__ = ("_derived", "_secrets")

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secret.encode() for secret in secrets)
        if not self._secrets:
            raise ValueError(
                "no secret: set TWOPASS_SECRET to a random text, the same on edge and origin"
            )
        if any(len(secret) < MIN_SECRET for secret in self._secrets):
            raise ValueError(
                f"each secret in TWOPASS_SECRET must have {MIN_SECRET} characters or more"
            )
        self._derived: dict[Purpose, tuple[tuple[bytes, bytes], ...]] = {}

    @classmethod
    def parse(cls, text: str) -> Keyring:
        """A ring from the form settings and environment use: secrets split by commas or blanks."""
        return cls(text.replace(",", " ").split())

    def __repr__(self) -> str:
        return f"<Keyring of {len(self._secrets)}>"

    def keys(self, purpose: Purpose) -> tuple[tuple[bytes, bytes], ...]:
        """(key id, key) pairs for `purpose`, the signing one first; no purpose opens another."""
        derived = self._derived.get(purpose)
        if derived is None:
            derived = tuple(_derive(secret, purpose) for secret in self._secrets)
            self._derived[purpose] = derived
        return derived

    def digest(self, purpose: Purpose, *parts: bytes) -> bytes:
        """HMAC-SHA256 over `parts` (unambiguous: each with its length) under the signing key."""
        return _mac(self.keys(purpose)[0][1], parts)

    def sign(self, purpose: Purpose, *parts: bytes) -> bytes:
        """A signature over `parts`: key id and HMAC, 36 bytes."""
        key_id, key = self.keys(purpose)[0]
        return key_id + _mac(key, parts)

    def verify(self, purpose: Purpose, signature: bytes, *parts: bytes) -> None:
        """Raise WireError `signature` or `unknown-key` unless `signature` is ours over `parts`."""
        if len(signature) != KEY_ID + MAC:
            raise WireError("signature", f"a {purpose} signature has {KEY_ID + MAC} bytes")
        for key_id, key in self.keys(purpose):
            if key_id == signature[:KEY_ID]:
                if hmac.compare_digest(_mac(key, parts), signature[KEY_ID:]):
                    return
                raise WireError("signature", f"the {purpose} signature does not match")
        raise WireError("unknown-key", f"the {purpose} was signed with a secret that is not ours")

    def seal(self, purpose: Purpose, payload: bytes) -> bytes:
        """`payload` behind its signature."""
        return self.sign(purpose, payload) + payload

    def open(self, purpose: Purpose, sealed: bytes) -> bytes:
        """The payload of `sealed`. Raises WireError."""
        payload = sealed[KEY_ID + MAC :]
        self.verify(purpose, sealed[: KEY_ID + MAC], payload)
        return payload


def to_text(data: bytes) -> str:
    """base64url without padding (RFC 4648 §5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_text(text: str) -> bytes:
    """The bytes of canonical unpadded base64url. Raises WireError `malformed`."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise WireError("malformed", f"not base64url ({error})") from error
    if to_text(data) != text:
        raise WireError("malformed", "not the canonical base64url form")
    return data


def _derive(secret: bytes, purpose: Purpose) -> tuple[bytes, bytes]:
    key = hmac.digest(secret, b"twopass/1/" + purpose.encode(), "sha256")
    return hashlib.sha256(b"twopass/1/key-id" + key).digest()[:KEY_ID], key


def _mac(key: bytes, parts: tuple[bytes, ...]) -> bytes:
    if len(parts) == 1:  # one part is unambiguous under "1:"
        return hmac.digest(key, b"1:" + parts[0], "sha256")
    pieces = [b"%d:" % len(parts)]
    for part in parts:
        pieces += (b"%d:" % len(part), part)
    return hmac.digest(key, b"".join(pieces), "sha256")  # one call instead of one per part

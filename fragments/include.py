"""Signed includes: what a hole asks for, and the marker that stands for it in rendered text."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast, get_args

from .codec import pack, texts, unpack
from .errors import WireError
from .signing import Keyring, from_text, to_text

Kind = Literal["fragment", "block", "nonce"]
"""A registered renderer, an inline block of a template, or a nonce made per response."""

Argument: TypeAlias = "str | bytes | int | float | bool | list[Argument] | None"

VERSION: Final = 1
MAX_TOKEN: Final = 4096
"""Characters of a token: arguments are keys and flags, not documents."""
_MAX_PAYLOAD: Final = (MAX_TOKEN - 1 - 48) * 3 // 4
"""Bytes that make such a token: in base64, behind it a dot and the signature's 48 characters."""
KEPT_TOKENS: Final = 1024
"""Tokens whose signatures a process need not make, or look at, again: some 500 kB, 8 MB at most."""

_MARKER: Final = re.compile(rb"\[\[2p:([A-Za-z0-9_-]{1,%d}\.[A-Za-z0-9_-]{48})\]\]" % MAX_TOKEN)


@dataclass(frozen=True, slots=True)
class Include:
    """What to render: kind, name (of a block: `template#name`), sorted arguments."""

    kind: Kind
    name: str
    args: tuple[tuple[str, Argument], ...] = ()

    @classmethod
    def of(cls, kind: Kind, name: str, args: Mapping[str, Argument]) -> Include:
        """An include with `args` in canonical order. Raises TypeError for an unfit argument."""
        for key, value in args.items():
            if not _is_argument(value):
                raise TypeError(
                    f"argument {key!r} of {name!r} is {type(value).__name__}: pass text, numbers, "
                    "booleans, None, bytes or lists of them (a primary key, not the object)"
                )
        return cls(kind, name, tuple(sorted(args.items())))

    def token(self, keyring: Keyring) -> bytes:
        """The signed form. Raises WireError `size` above `MAX_TOKEN` characters."""
        payload = pack([VERSION, self.kind, self.name, [[key, value] for key, value in self.args]])
        if len(payload) > _MAX_PAYLOAD:
            raise WireError("size", f"the arguments of {self.name!r} make a token over {MAX_TOKEN}")
        return _signed(payload, keyring)

    @classmethod
    def verify(cls, token: bytes, keyring: Keyring) -> Include:
        """The include that `token` stands for. Raises WireError; nothing unsigned is decoded."""
        if len(token) > MAX_TOKEN:
            raise WireError("size", f"a token has at most {MAX_TOKEN} characters")
        return cls._from_payload(_payload(token, keyring))

    @classmethod
    def _from_payload(cls, payload: bytes) -> Include:
        value = unpack(payload, MAX_TOKEN)
        if not isinstance(value, list) or not value or value[0] != VERSION:
            raise WireError("version", f"not an include of version {VERSION}")
        if len(value) != 4 or not isinstance(value[3], list):
            raise WireError("type", "an include is [version, kind, name, arguments]")
        kind, name = texts(value[1:3], "include")
        if kind not in get_args(Kind):
            raise WireError("type", f"unknown kind of include {kind!r}")
        return cls(cast(Kind, kind), name, tuple(_argument(item) for item in value[3]))


# Most tokens stand on page after page. By payload and not by include: 1, 1.0 and True are equal.


@functools.lru_cache(maxsize=KEPT_TOKENS)
def _signed(payload: bytes, keyring: Keyring) -> bytes:
    return f"{to_text(payload)}.{to_text(keyring.sign('include', payload))}".encode()


@functools.lru_cache(maxsize=KEPT_TOKENS)
def _payload(token: bytes, keyring: Keyring) -> bytes:
    """What `token` signs. Raises WireError, and keeps nothing of a token that is not ours."""
    try:
        head, _, tail = token.decode("ascii").partition(".")
    except UnicodeDecodeError as error:
        raise WireError("malformed", "a token is ASCII") from error
    payload = from_text(head)
    keyring.verify("include", from_text(tail), payload)
    return payload


def marker(token: bytes) -> str:
    """The text that stands for `token` in rendered output.

    It holds no character that HTML, JSON or JavaScript strings escape, so it survives templates,
    `{% cache %}` blocks and serialisers unharmed.
    """
    return f"[[2p:{token.decode('ascii')}]]"


def split_markers(text: bytes, keyring: Keyring) -> list[bytes | tuple[bytes, Include]]:
    """`text` cut at its genuine markers: literals, and (token, include) pairs.

    What only looks like a marker stays literal: nothing a customer types becomes an include.
    """
    parts: list[bytes | tuple[bytes, Include]] = []
    position = 0
    for found in _MARKER.finditer(text):
        try:
            include = Include.verify(found[1], keyring)
        except WireError:
            continue
        if found.start() > position:
            parts.append(text[position : found.start()])
        parts.append((found[1], include))
        position = found.end()
    if position < len(text):
        parts.append(text[position:])
    return parts


def has_marker(text: bytes) -> bool:
    """Whether `text` holds anything of a marker's form, genuine or not (a cheap first look)."""
    return _MARKER.search(text) is not None


def _is_argument(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_argument(item) for item in value)
    return value is None or type(value) in (str, bytes, int, float, bool)


def _argument(item: object) -> tuple[str, Argument]:
    if isinstance(item, list) and len(item) == 2 and type(item[0]) is str and _is_argument(item[1]):
        return item[0], item[1]
    raise WireError("type", "an argument is [name, value]")

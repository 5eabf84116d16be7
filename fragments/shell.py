"""Shells: a page rendered for nobody, as literals and holes, compiled by the origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast, get_args

from .codec import Fields, pack, unpack
from .csrf import CSRF, CsrfHole
from .dimensions import Dimension
from .errors import WireError
from .include import MAX_TOKEN
from .signing import Keyring

VERSION: Final = 1
CONTENT_TYPE: Final = "application/vnd.twopass.shell+msgpack"
MAX_HOLES: Final = 1024

Scope = Literal["public", "private", "no-store"]
"""Who may share a fragment, in HTTP's words (RFC 9111 §5.2.2)."""


class NonceHole:
    """The place of a nonce made per response (Content-Security-Policy)."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NONCE"


NONCE: Final = NonceHole()


@dataclass(frozen=True, slots=True)
class FragmentHole:
    """The place of one fragment, with what the edge must know before it asks for it.

    `when_cookies`: the hole is empty for a visitor who has none of them. `cookies`, `dimensions`:
    part of the fragment's key. `alt`: the token to ask for when this one fails. `placeholder`: the
    bytes to show when all else fails. `deadline`: seconds it may take, None for the edge's default.
    """

    token: bytes
    scope: Scope = "private"
    dimensions: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    when_cookies: tuple[str, ...] = ()
    writes: bool = False
    deadline: float | None = None
    alt: bytes | None = None
    placeholder: bytes = b""

    def __hash__(self) -> int:
        """By what tells holes apart as a rule; each look at a page asks for it several times."""
        return hash(self.token)


Hole: TypeAlias = FragmentHole | CsrfHole | NonceHole
Part: TypeAlias = bytes | Hole


@dataclass(frozen=True, slots=True)
class Shell:
    """A page for nobody. Durations in seconds; `headers` have lower-case names and may hold holes.

    `values` are the dimension values it was rendered for, `query` the only parameters that the view
    reads (None: all but the ignorable ones), `gate` says that each visitor needs a verdict first.
    """

    status: int
    headers: tuple[tuple[str, tuple[Part, ...]], ...]
    body: tuple[Part, ...]
    max_age: float
    stale_while_revalidate: float = 0.0
    stale_if_error: float = 0.0
    groups: tuple[str, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    query: tuple[str, ...] | None = None
    gate: bool = False
    release: str = ""

    def holes(self) -> tuple[Hole, ...]:
        """Every hole once, in order of appearance: those of headers, then those of the body."""
        found: dict[Hole, None] = {}
        for _, parts in self.headers:
            found.update((part, None) for part in parts if not isinstance(part, bytes))
        found.update((part, None) for part in self.body if not isinstance(part, bytes))
        return tuple(found)

    def encode(self, keyring: Keyring) -> bytes:
        """The sealed wire form, so that only the origin's own middleware can make a shell."""
        numbers = {hole: number for number, hole in enumerate(self.holes())}

        def wire(parts: tuple[Part, ...]) -> list[bytes | int]:
            return [part if isinstance(part, bytes) else numbers[part] for part in parts]

        document = {
            "v": VERSION,
            "status": self.status,
            "headers": [[name, wire(parts)] for name, parts in self.headers],
            "body": wire(self.body),
            "holes": [_hole_to_wire(hole) for hole in numbers],
            "max_age": self.max_age,
            "swr": self.stale_while_revalidate,
            "sie": self.stale_if_error,
            "groups": list(self.groups),
            "dimensions": [dimension.to_wire() for dimension in self.dimensions],
            "values": [list(pair) for pair in self.values],
            "query": None if self.query is None else list(self.query),
            "gate": self.gate,
            "release": self.release,
        }
        return keyring.seal("shell", pack(document))

    @classmethod
    def decode(cls, data: bytes, keyring: Keyring) -> Shell:
        """Raises WireError for anything that is not a shell sealed with one of our secrets."""
        fields = Fields(unpack(keyring.open("shell", data)), "shell")
        fields.version(VERSION)
        holes = tuple(_hole_from_wire(item) for item in fields.items("holes"))
        if len(holes) > MAX_HOLES:
            raise WireError("size", f"a shell has at most {MAX_HOLES} holes")
        query = None if fields.optional("query", list) is None else fields.texts("query")
        status = fields.get("status", int)
        if not 200 <= status <= 599:
            raise WireError("type", f"shell.status is {status}")
        return cls(
            status=status,
            headers=tuple(_header(item, holes) for item in fields.items("headers")),
            body=_parts(fields.items("body"), holes),
            max_age=fields.seconds("max_age"),
            stale_while_revalidate=fields.seconds("swr"),
            stale_if_error=fields.seconds("sie"),
            groups=fields.texts("groups"),
            dimensions=tuple(Dimension.from_wire(item) for item in fields.items("dimensions")),
            values=fields.pairs("values"),
            query=query,
            gate=fields.get("gate", bool),
            release=fields.get("release", str),
        )


def _header(item: object, holes: tuple[Hole, ...]) -> tuple[str, tuple[Part, ...]]:
    if not (isinstance(item, list) and len(item) == 2 and type(item[0]) is str):
        raise WireError("type", "a header is [name, parts]")
    return item[0], _parts(item[1], holes)


def _parts(items: object, holes: tuple[Hole, ...]) -> tuple[Part, ...]:
    if not isinstance(items, list):
        raise WireError("type", "parts are a list")
    parts: list[Part] = []
    for item in items:
        if type(item) is bytes:
            parts.append(item)
        elif type(item) is int and 0 <= item < len(holes):
            parts.append(holes[item])
        else:
            raise WireError("type", "a part is bytes or the number of a hole")
    return tuple(parts)


def _hole_to_wire(hole: Hole) -> dict[str, object]:
    if isinstance(hole, CsrfHole):
        return {"kind": "csrf"}
    if isinstance(hole, NonceHole):
        return {"kind": "nonce"}
    return {
        "kind": "fragment",
        "token": hole.token,
        "scope": hole.scope,
        "dimensions": list(hole.dimensions),
        "cookies": list(hole.cookies),
        "when_cookies": list(hole.when_cookies),
        "writes": hole.writes,
        "deadline": hole.deadline,
        "alt": hole.alt,
        "placeholder": hole.placeholder,
    }


def _hole_from_wire(item: object) -> Hole:
    fields = Fields(item, "hole")
    kind = fields.choice("kind", ("fragment", "csrf", "nonce"))
    if kind == "csrf":
        return CSRF
    if kind == "nonce":
        return NONCE
    token, alt = fields.get("token", bytes), fields.optional("alt", bytes)
    if len(token) > MAX_TOKEN or len(alt or b"") > MAX_TOKEN:
        raise WireError("size", f"a token has at most {MAX_TOKEN} characters")
    return FragmentHole(
        token=token,
        scope=cast(Scope, fields.choice("scope", get_args(Scope))),
        dimensions=fields.texts("dimensions"),
        cookies=fields.texts("cookies"),
        when_cookies=fields.texts("when_cookies"),
        writes=fields.get("writes", bool),
        deadline=None if fields.optional("deadline", float) is None else fields.seconds("deadline"),
        alt=alt,
        placeholder=fields.get("placeholder", bytes),
    )

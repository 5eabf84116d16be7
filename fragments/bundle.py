"""Bundles: one request for all missing fragments of a page, answered frame by frame.

The request is one msgpack document. The response is a stream of frames, each behind its length
(four bytes, big endian): first the head, then fragments as they are rendered, last the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast, get_args

from .codec import Fields, pack, unpack
from .csrf import CSRF, CsrfHole, is_secret
from .errors import WireError
from .include import MAX_TOKEN
from .shell import NONCE, NonceHole, Scope

VERSION: Final = 1
REQUEST_TYPE: Final = "application/vnd.twopass.bundle+msgpack"
RESPONSE_TYPE: Final = "application/vnd.twopass.frames+msgpack"
MAX_INCLUDES: Final = 256
"""Fragments of one bundle; Fastly's ESI has the same limit per page."""
MAX_REQUEST: Final = 1024 * 1024 + MAX_INCLUDES * MAX_TOKEN
MAX_FRAME: Final = 16 * 1024 * 1024

FramePart: TypeAlias = bytes | CsrfHole | NonceHole
SessionState = Literal["none", "valid", "unknown"]
"""No session cookie came; it names a session; it names none (nothing may be stored for it)."""


@dataclass(frozen=True, slots=True)
class BundleRequest:
    """What the edge asks for. The visitor's cookies and headers travel as those of the POST itself.

    `page`: absolute URL of the page as the visitor asked for it. `nobody`: render from a stripped
    request. `csrf_secret`: set when the edge minted one for a visitor who had none. `values`:
    dimension values, drawn buckets included. `deadline`: seconds the edge will wait.
    """

    page: str
    includes: tuple[bytes, ...]
    gate: bool = False
    nobody: bool = False
    csrf_secret: str | None = None
    values: tuple[tuple[str, str], ...] = ()
    deadline: float = 10.0

    def encode(self) -> bytes:
        """The wire form."""
        return pack(
            {
                "v": VERSION,
                "page": self.page,
                "includes": list(self.includes),
                "gate": self.gate,
                "nobody": self.nobody,
                "csrf_secret": self.csrf_secret,
                "values": [list(pair) for pair in self.values],
                "deadline": self.deadline,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> BundleRequest:
        """Raises WireError. The includes are still unverified tokens."""
        fields = Fields(unpack(data, MAX_REQUEST), "bundle")
        fields.version(VERSION)
        includes = fields.items("includes")
        if len(includes) > MAX_INCLUDES:
            raise WireError("size", f"a bundle has at most {MAX_INCLUDES} includes")
        for token in includes:
            if type(token) is not bytes or len(token) > MAX_TOKEN:
                raise WireError("type", f"an include is a token of at most {MAX_TOKEN} bytes")
        secret = fields.optional("csrf_secret", str)
        if secret is not None and not is_secret(secret):
            raise WireError("type", "bundle.csrf_secret is not a secret of 32 letters and digits")
        return cls(
            page=fields.get("page", str),
            includes=cast("tuple[bytes, ...]", tuple(includes)),
            gate=fields.get("gate", bool),
            nobody=fields.get("nobody", bool),
            csrf_secret=secret,
            values=fields.pairs("values"),
            deadline=fields.seconds("deadline"),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gate's answer that overrules the page: a redirect, 403, 410 …"""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """What is known before any read-only fragment: verdict, session, groups of private fragments.

    `session_age`: seconds until the session ends, None without one. Set-Cookie fields are in the
    HTTP head of the bundle's response.
    """

    session: SessionState
    session_age: float | None = None
    groups: tuple[str, ...] = ()
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Reads:
    """What a fragment read of the visitor's request: part of its key, as with Vary."""

    cookies: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    url: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One fragment. `index` counts the request's includes; durations in seconds.

    `status` other than 200 means: use a fallback. `wrote`: rendering changed something (messages
    were shown), so it may not be shown again. `rendering`: what it took, for planning bundles.
    """

    index: int
    status: int
    body: tuple[FramePart, ...] = ()
    scope: Scope = "private"
    max_age: float = 0.0
    stale_while_revalidate: float = 0.0
    stale_if_error: float = 0.0
    groups: tuple[str, ...] = ()
    reads: Reads = Reads()
    wrote: bool = False
    rendering: float = 0.0


@dataclass(frozen=True, slots=True)
class End:
    """The last frame: without it the stream was cut."""

    fragments: int


Message: TypeAlias = Head | Frame | End


def encode_message(message: Message) -> bytes:
    """`message` behind its length. Raises WireError `size`."""
    if isinstance(message, Head):
        payload = pack({"v": VERSION, "t": "head", **_head_to_wire(message)})
    elif isinstance(message, Frame):
        payload = pack({"t": "fragment", **_frame_to_wire(message)})
    else:
        payload = pack({"t": "end", "fragments": message.fragments})
    if len(payload) > MAX_FRAME:
        raise WireError("size", f"a frame has at most {MAX_FRAME} bytes")
    return len(payload).to_bytes(4, "big") + payload


class FrameDecoder:
    """Takes bytes as they arrive and gives messages as they are complete, in any chunking."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._started = False
        self._ended = False

    def receive_data(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes. Raises WireError, also when the head is not first."""
        self._buffer += data
        while len(self._buffer) >= 4:
            length = int.from_bytes(self._buffer[:4], "big")
            if length > MAX_FRAME:
                raise WireError(
                    "size", f"a frame of {length} bytes, at most {MAX_FRAME} are allowed"
                )
            if len(self._buffer) < 4 + length:
                return
            payload = bytes(self._buffer[4 : 4 + length])
            del self._buffer[: 4 + length]
            yield self._message(Fields(unpack(payload, MAX_FRAME), "frame"))

    def close(self) -> None:
        """Say that the stream is over. Raises WireError `truncated` without an end frame."""
        if not self._ended or self._buffer:
            raise WireError("truncated", "the bundle was cut before its end frame")

    def _message(self, fields: Fields) -> Message:
        kind = fields.choice("t", ("head", "fragment", "end"))
        if self._ended or (kind == "head") == self._started:
            raise WireError("malformed", f"a {kind} frame in the wrong place")
        if kind == "head":
            fields.version(VERSION)
            self._started = True
            return _head_from_wire(fields)
        if kind == "end":
            self._ended = True
            return End(fields.get("fragments", int))
        return _frame_from_wire(fields)


def _head_to_wire(head: Head) -> dict[str, object]:
    verdict = head.verdict
    return {
        "session": head.session,
        "session_age": head.session_age,
        "groups": list(head.groups),
        "verdict": None
        if verdict is None
        else {
            "status": verdict.status,
            "headers": [list(pair) for pair in verdict.headers],
            "body": verdict.body,
        },
    }


def _head_from_wire(fields: Fields) -> Head:
    verdict = fields.optional("verdict", dict)
    age = fields.optional("session_age", float)
    return Head(
        session=cast(SessionState, fields.choice("session", get_args(SessionState))),
        session_age=None if age is None else fields.seconds("session_age"),
        groups=fields.texts("groups"),
        verdict=None if verdict is None else _verdict_from_wire(Fields(verdict, "verdict")),
    )


def _verdict_from_wire(fields: Fields) -> Verdict:
    status = fields.get("status", int)
    if not 200 <= status <= 599:
        raise WireError("type", f"verdict.status is {status}")
    return Verdict(status, fields.pairs("headers"), fields.get("body", bytes))


def _frame_to_wire(frame: Frame) -> dict[str, object]:
    return {
        "index": frame.index,
        "status": frame.status,
        "body": [_part_to_wire(part) for part in frame.body],
        "scope": frame.scope,
        "max_age": frame.max_age,
        "swr": frame.stale_while_revalidate,
        "sie": frame.stale_if_error,
        "groups": list(frame.groups),
        "cookies": list(frame.reads.cookies),
        "headers": list(frame.reads.headers),
        "url": frame.reads.url,
        "wrote": frame.wrote,
        "rendering": frame.rendering,
    }


def _frame_from_wire(fields: Fields) -> Frame:
    index, status = fields.get("index", int), fields.get("status", int)
    if not 0 <= index < MAX_INCLUDES or not 100 <= status <= 599:
        raise WireError("type", f"a fragment with index {index} and status {status}")
    return Frame(
        index=index,
        status=status,
        body=tuple(_part_from_wire(item) for item in fields.items("body")),
        scope=cast(Scope, fields.choice("scope", get_args(Scope))),
        max_age=fields.seconds("max_age"),
        stale_while_revalidate=fields.seconds("swr"),
        stale_if_error=fields.seconds("sie"),
        groups=fields.texts("groups"),
        reads=Reads(fields.texts("cookies"), fields.texts("headers"), fields.get("url", bool)),
        wrote=fields.get("wrote", bool),
        rendering=fields.seconds("rendering"),
    )


def _part_to_wire(part: FramePart) -> bytes | int:
    if isinstance(part, bytes):
        return part
    return 0 if isinstance(part, CsrfHole) else 1


def _part_from_wire(item: object) -> FramePart:
    if type(item) is bytes:
        return item
    if type(item) is int and item in (0, 1):
        return CSRF if item == 0 else NONCE
    raise WireError("type", "a part of a frame is bytes, 0 (CSRF token) or 1 (nonce)")

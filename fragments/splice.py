"""The splice: a page's bytes in document order, each as soon as it is known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .bundle import FramePart
from .csrf import CsrfHole
from .shell import FragmentHole, NonceHole, Part


def fill(parts: Iterable[FramePart], csrf_token: bytes, nonce: bytes) -> bytes:
    """The bytes of a fragment for one response."""
    return b"".join(
        part if isinstance(part, bytes) else csrf_token if isinstance(part, CsrfHole) else nonce
        for part in parts
    )


class Splice:
    """Holds back what comes behind a hole until the hole is filled.

    >>> splice = Splice([b"<p>", FragmentHole(b"t"), b"</p>"])
    >>> splice.take()
    b'<p>'
    >>> splice.fill(FragmentHole(b"t"), b"Hello")
    >>> splice.take(), splice.is_done
    (b'Hello</p>', True)
    """

    def __init__(self, parts: Sequence[Part], csrf_token: bytes = b"", nonce: bytes = b"") -> None:
        self._parts = parts
        self._position = 0
        self._filled: dict[FragmentHole, bytes] = {}
        self._csrf_token = csrf_token
        self._nonce = nonce

    def __repr__(self) -> str:
        state = "done" if self.is_done else f"at part {self._position}"
        return f"<Splice {state} of {len(self._parts)}>"

    @property
    def is_done(self) -> bool:
        """Whether everything was taken."""
        return self._position == len(self._parts)

    @property
    def awaited(self) -> FragmentHole | None:
        """The hole that holds back the rest, if any."""
        if self.is_done:
            return None
        part = self._parts[self._position]
        return part if isinstance(part, FragmentHole) and part not in self._filled else None

    def missing(self) -> list[FragmentHole]:
        """The holes still open, each once, in document order."""
        found: dict[FragmentHole, None] = {}
        for part in self._parts[self._position :]:
            if isinstance(part, FragmentHole) and part not in self._filled:
                found[part] = None
        return list(found)

    def fill(self, hole: FragmentHole, body: bytes) -> None:
        """Fill every place of `hole`. A second filling is ignored: the first may have left."""
        self._filled.setdefault(hole, body)

    def take(self) -> bytes:
        """All bytes that may leave now."""
        return b"".join(data for _, data in self.take_pieces())

    def take_pieces(self) -> list[tuple[int, bytes]]:
        """The same part by part, each with its number."""
        ready: list[tuple[int, bytes]] = []
        while self._position < len(self._parts):
            part = self._parts[self._position]
            if isinstance(part, bytes):
                ready.append((self._position, part))
            elif isinstance(part, CsrfHole):
                ready.append((self._position, self._csrf_token))
            elif isinstance(part, NonceHole):
                ready.append((self._position, self._nonce))
            elif part in self._filled:
                ready.append((self._position, self._filled[part]))
            else:
                break
            self._position += 1
        return ready

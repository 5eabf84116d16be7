"""What goes into the holes of one response: frames, fallbacks, one CSRF token, one nonce."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping

from fragments.bundle import Frame
from fragments.csrf import CsrfHole
from fragments.shell import FragmentHole, NonceHole, Part
from fragments.splice import fill

Show = Callable[[bytes], Frame]
"""The frame for one token."""


class Filling:
    """What goes into the holes of one response."""

    def __init__(self, frames: Mapping[FragmentHole, Frame]) -> None:
        self.frames = dict(frames)
        self.csrf_token = b""
        self.nonce = secrets.token_urlsafe(16).encode()

    @classmethod
    def of(cls, frames: Mapping[FragmentHole, Frame], show: Show, *, strict: bool) -> Filling:
        """`frames`, with the fallback in place of each that failed: alt, placeholder, nothing.

        In development (`strict`) a failed fragment shows why it failed.
        """
        filling = cls(frames)
        for hole, frame in frames.items():
            if frame.status == 200:
                continue
            shown = show(hole.alt) if hole.alt is not None else None
            if shown is None or shown.status != 200:
                body = (hole.placeholder,) if hole.placeholder or not strict else frame.body
                shown = Frame(index=frame.index, status=200, body=body, scope="no-store")
            filling.frames[hole] = shown
        return filling

    def needs_csrf(self, parts: Iterable[Part]) -> bool:
        """Whether the response will hold a CSRF token."""
        inner = [part for frame in self.frames.values() for part in frame.body]
        return any(isinstance(part, CsrfHole) for part in (*parts, *inner))

    def apply(self, parts: Iterable[Part]) -> bytes:
        """The bytes of `parts`; a hole that nobody filled is empty."""
        filled: list[bytes] = []
        for part in parts:
            if isinstance(part, bytes):
                filled.append(part)
            elif isinstance(part, CsrfHole):
                filled.append(self.csrf_token)
            elif isinstance(part, NonceHole):
                filled.append(self.nonce)
            elif part in self.frames:
                filled.append(fill(self.frames[part].body, self.csrf_token, self.nonce))
        return b"".join(filled)


def open_holes(
    parts: Iterable[Part], cookies: Mapping[str, str], *, also_writing: bool = False
) -> list[FragmentHole]:
    """The fragments that this visitor's page needs, each once, in order.

    `also_writing`: those that write, too, since this very request gave them something to show.
    """
    found: dict[FragmentHole, None] = {}
    for part in parts:
        if isinstance(part, FragmentHole) and (
            is_open(part, cookies) or (also_writing and part.writes)
        ):
            found[part] = None
    return list(found)


def is_open(hole: FragmentHole, cookies: Mapping[str, str]) -> bool:
    """Whether there is anything to show in `hole` for who has these cookies."""
    return not hole.when_cookies or any(name in cookies for name in hole.when_cookies)

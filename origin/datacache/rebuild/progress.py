"""How far a run is: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

from typing import Protocol

WIDTH = 30
INTERVAL_ON_TERMINAL = 0.2
INTERVAL_IN_LOG = 10.0


class Out(Protocol):
    """Where it is written."""

    def write(self, text: str) -> object:
        """Write `text`."""

    def flush(self) -> object:
        """Show it."""

    def isatty(self) -> bool:
        """Whether somebody looks at it."""


class Progress:
    """Tells rate and time to go. `now` in seconds, on any clock that runs evenly."""

    def __init__(self, total: int, out: Out, now: float) -> None:
        self.total = total
        self.done = 0
        self._out = out
        self._began = now
        self._is_terminal = out.isatty()
        self._interval = INTERVAL_ON_TERMINAL if self._is_terminal else INTERVAL_IN_LOG
        self._shown = now

    def add(self, pages: int, now: float) -> None:
        """So many more are done."""
        self.done += pages
        if now - self._shown >= self._interval or self.done == self.total:
            self._shown = now
            end = "\r" if self._is_terminal and self.done < self.total else "\n"
            self._out.write(self.line(now) + end)
            self._out.flush()

    def line(self, now: float) -> str:
        """`[#####-----] 5,000 of 10,000 pages · 512 a second · 0:10 to go`"""
        share = self.done / self.total if self.total else 1.0
        bar = "#" * int(share * WIDTH)
        rate = self.done / (now - self._began) if now > self._began else 0.0
        left = _duration((self.total - self.done) / rate) if rate else "?"
        return (
            f"[{bar:-<{WIDTH}}] {self.done:,} of {self.total:,} pages · {rate:,.0f} a second · "
            f"{left} to go"
        )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"

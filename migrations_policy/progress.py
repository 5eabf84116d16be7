"""Progress of long steps: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger("migrations_policy")

WIDTH = 30


class Progress:
    """Reports how much of `total` is done; each tenth is logged when stderr is no terminal."""

    def __init__(self, label: str, total: int) -> None:
        self.label = label
        self.total = max(total, 1)
        self._logged = 0
        self._is_terminal = sys.stderr.isatty()

    def advance(self, done: int) -> None:
        """Show that `done` of the total are finished."""
        share = min(done / self.total, 1.0)
        if self._is_terminal:
            bar = "#" * int(share * WIDTH)
            sys.stderr.write(f"\r{self.label} [{bar:<{WIDTH}}] {share:4.0%} {done:,}")
            sys.stderr.flush()
        elif int(share * 10) > self._logged:
            self._logged = int(share * 10)
            logger.info("%s: %d of %d (%.0f %%)", self.label, done, self.total, share * 100)

    def finish(self, done: int) -> None:
        """Show the end."""
        if self._is_terminal:
            sys.stderr.write(f"\r{self.label}: {done:,} done{' ' * WIDTH}\n")
        else:
            logger.info("%s: %d done", self.label, done)

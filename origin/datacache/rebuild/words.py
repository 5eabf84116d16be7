"""What becomes of a page in a rebuild."""

from __future__ import annotations

from typing import Final

MADE: Final = "made"
FRESH: Final = "fresh"
"""There was nothing to do."""
PASSED: Final = "passed"
"""It is no page for everybody."""
REDIRECTED: Final = "redirected"
"""3xx: its source lists an address that has moved."""
REFUSED: Final = "refused"
"""4xx: its source lists what is not there, or not for everybody."""
FAILED: Final = "failed"

UNMADE: Final = (REFUSED, REDIRECTED)


def word_of_status(status: int) -> str:
    """What a page is that was answered so by its view: nothing if it is there, and else the word.

    5xx have none: they are failures, which say more than a word.
    """
    return {3: REDIRECTED, 4: REFUSED}.get(status // 100, "")

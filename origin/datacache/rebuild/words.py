"""What becomes of a page in a rebuild."""

from __future__ import annotations

from typing import Final

MADE: Final = "made"
FRESH: Final = "fresh"
"""There was nothing to do."""
PASSED: Final = "passed"
"""It is no page for everybody."""
FAILED: Final = "failed"

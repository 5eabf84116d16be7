"""There is no such thing: stored like a value, so that nobody asks the database again."""

from __future__ import annotations

import enum
from typing import Final, Literal


class Missing(enum.Enum):
    """The type of `MISSING`."""

    MISSING = "there is none"


MISSING: Final[Literal[Missing.MISSING]] = Missing.MISSING

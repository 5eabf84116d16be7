"""What the tests put into stores."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.core.prepared import Expiry
from edge.core.purge import Labels

LABELS = Labels("http://s/")
FOREVER = Expiry.starting(0.0, 1e9, 0, 0)


@dataclass(frozen=True, eq=False)
class Thing:
    """Anything storable; each is itself."""

    size: int = 10
    labels: Labels = LABELS
    expiry: Expiry = FOREVER

    def softened(self, now: float) -> Thing:
        return replace(self, expiry=self.expiry.softened(now))

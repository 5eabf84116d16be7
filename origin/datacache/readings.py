"""One value that was read, as reports and collectors see it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Reading:
    """One value that was read: by whom it is declared, which level had it, what it depends on."""

    label: str
    ident: str
    level: str
    groups: tuple[str, ...]
    left: float | None
    """Seconds of freshness that remained; None for no bound."""
    seconds: float = 0.0
    inner: list[Reading] = field(default_factory=list)

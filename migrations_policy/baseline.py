"""The baseline: fingerprints of violations that were there before, one a line, sorted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .violation import Violation

HEAD = "# Known violations of migrations_policy; remove lines as they are fixed.\n"


def read(path: Path) -> frozenset[str]:
    """Return the fingerprints of a baseline file; a missing file is an empty baseline."""
    if not path.exists():
        return frozenset()
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return frozenset(line for line in lines if line and not line.startswith("#"))


def write(path: Path, violations: Iterable[Violation]) -> int:
    """Write the violations' fingerprints and return how many there are."""
    prints = sorted({found.fingerprint for found in violations})
    path.write_text(HEAD + "".join(f"{line}\n" for line in prints), encoding="utf-8")
    return len(prints)

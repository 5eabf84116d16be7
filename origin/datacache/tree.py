"""What a page was made of, as a tree for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .readings import Reading


def as_lines(readings: Iterable[Reading], indent: str = "") -> Iterator[str]:
    """One line for each value; what it was made of stands below it."""
    for reading in _once(readings):
        age = "" if reading.left is None else f", fresh {reading.left:.0f} s"
        groups = ", ".join(_shown(reading)) or "no groups"
        yield f"{indent}{reading.label}({reading.ident}): {groups}{age}"
        yield from as_lines(reading.inner, indent + "    ")


def as_json(readings: Iterable[Reading]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [
        {
            "label": reading.label,
            "ident": reading.ident,
            "groups": _shown(reading),
            "max_age": reading.left,
            "seconds": round(reading.seconds, 6),
            "made_of": as_json(reading.inner),
        }
        for reading in _once(readings)
    ]


def _once(readings: Iterable[Reading]) -> list[Reading]:
    return list({(item.label, item.ident): item for item in readings}.values())


def _shown(reading: Reading) -> list[str]:
    # the group of one value alone says nothing that its line does not
    return [name for name in reading.groups if not name.startswith("data:")]

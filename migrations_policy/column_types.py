"""Which changes of a column's type PostgreSQL makes without touching the rows.

Source: the PostgreSQL documentation of ALTER TABLE (notes), measured on 15 and 18.
"""

from __future__ import annotations

import re

SHAPE = re.compile(r"^([a-z0-9 ]+?)\s*(?:\(([\d, ]+)\))?(\[\])?$")
ALIASES = {
    "character varying": "varchar",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "decimal": "numeric",
    "int": "integer",
    "serial": "integer",
    "bigserial": "bigint",
}


def shape(text: str) -> tuple[str, tuple[int, ...]]:
    """Split `numeric(10, 2)` into its name and modifiers; aliases become one name."""
    match = SHAPE.match(text.strip().lower())
    if match is None:
        return text, ()
    name = ALIASES.get(match[1].strip(), match[1].strip())
    modifiers = tuple(int(part) for part in (match[2] or "").split(",") if part.strip())
    return name + (match[3] or ""), modifiers


def widens(old: str, new: str) -> bool:
    """Return whether the change from `old` to `new` needs no rewrite and no scan."""
    (old_name, old_size), (new_name, new_size) = shape(old), shape(new)
    if (old_name, old_size) == (new_name, new_size):
        return True
    if new_name in {"text", "varchar"} and not new_size:
        return old_name in {"text", "varchar"}
    if old_name == new_name == "varchar":
        return bool(old_size and new_size and new_size[0] >= old_size[0])
    if old_name == new_name == "numeric":
        if not new_size:
            return True
        same_scale = len(old_size) == len(new_size) == 2 and old_size[1] == new_size[1]
        return same_scale and new_size[0] >= old_size[0]
    if old_name == new_name and old_name in {"timestamptz", "timestamp", "time", "varbit"}:
        return not new_size or bool(old_size and new_size >= old_size)
    return (old_name, new_name) == ("cidr", "inet")


def is_shorter(old: str, new: str) -> bool:
    """Return whether the change shortens a varchar, or gives one a limit."""
    (old_name, old_size), (new_name, new_size) = shape(old), shape(new)
    if new_name != "varchar" or not new_size or old_name not in {"varchar", "text"}:
        return False
    return not old_size or new_size[0] < old_size[0]

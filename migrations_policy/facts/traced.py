"""What a trace found, as plain values for reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TracedStatement:
    """One statement of a traced migration.

    `seconds` is measured on the scratch database; `scaled_seconds` is that for the real table's
    rows. `waits` are the shop's queries (or kinds of queries) that would wait for that long.
    """

    sql: str
    locks: tuple[tuple[str, str], ...]
    rewritten: tuple[str, ...]
    scanned: tuple[tuple[str, int], ...]
    seconds: float
    scaled_seconds: float
    waits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traced:
    """One direction of one migration; `error` says why it could not be run to its end."""

    label: str
    direction: str
    statements: tuple[TracedStatement, ...]
    error: str = ""

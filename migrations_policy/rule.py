"""What a rule is, and the example its documentation and its test share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from .context import Context
from .violation import Severity, Violation


@dataclass(frozen=True, slots=True)
class Blocks:
    """Shown by a reader and a writer that wait while the bad migration works."""

    table: str = "shop_order"
    reads: bool = True
    writes: bool = True
    long: bool = True


@dataclass(frozen=True, slots=True)
class BreaksOldCode:
    """Shown by a statement of a running release that fails after the bad migration.

    `new_statement` is the next release's, for recipe steps after the deploy.
    """

    statement: str
    new_statement: str = ""
    worked_before: bool = True


@dataclass(frozen=True, slots=True)
class Fails:
    """Shown by the bad migration itself failing, at once or when run again."""

    error: str
    on_retry: bool = False
    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Queues:
    """Shown by a plain SELECT that waits behind the migration, which itself waits for a lock."""

    table: str = "shop_order"


@dataclass(frozen=True, slots=True)
class Leaves:
    """Shown by what the migration leaves behind: a query whose first value tells."""

    query: str
    bad: object
    good: object


@dataclass(frozen=True, slots=True)
class NotShown:
    """Cannot be shown by running it, and why."""

    reason: str


Shown = Blocks | BreaksOldCode | Fails | Leaves | Queues | NotShown


@dataclass(frozen=True, slots=True)
class Example:
    """A schema, a bad migration for it, and how running it shows that it is bad.

    `setup` and `bad` are the source of operations; `preamble` stands above the class. The
    example's app is `shop`, with `shop_order` and `shop_customer` (see the tests' base schema).
    """

    bad: str
    shown: Shown
    setup: str = ""
    preamble: str = ""
    atomic: bool = True
    message: str = ""
    attributes: str = ""
    version: int = 14
    hot: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    replicas: int | None = None
    cached: tuple[str, ...] = ()
    server: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; its name reads as "allow <name>".

    `row` is its number in the reference table; `why` says what is locked, who waits and how long.
    """

    name: str
    row: int
    severity: Severity
    title: str
    why: str
    check: Callable[[Context], Iterable[Violation]]
    example: Example
    lock: str = ""
    versions: str = "all supported (14 and later)"
    scope: Literal["operation", "migration", "plan"] = "operation"

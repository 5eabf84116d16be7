"""PostgreSQL's table locks: which statement takes which, who waits, and how long it works.

Sources: PostgreSQL documentation, "Explicit Locking" (table 13.2) and ALTER TABLE notes; every
entry was also measured on 15 and 18 (pg_locks and pg_class.relfilenode around the statement).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .sql.statement import Action, Statement

LockMode = Literal[
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
]
Work = Literal["catalog", "scan", "rewrite", "index-build"]

MODES: tuple[LockMode, ...] = (
    "ACCESS SHARE",
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)
# Bytes a second on ordinary cloud disks, on the slow side: a warning may exaggerate, not soothe.
RATES: dict[Work, float] = {"scan": 400e6, "rewrite": 60e6, "index-build": 80e6}


@dataclass(frozen=True, slots=True)
class Lock:
    """A table lock and the work done while it is held."""

    table: str
    mode: LockMode
    work: Work = "catalog"

    @property
    def blocks_reads(self) -> bool:
        """Whether a plain SELECT waits."""
        return self.mode == "ACCESS EXCLUSIVE"

    @property
    def blocks_writes(self) -> bool:
        """Whether INSERT, UPDATE and DELETE wait (they take ROW EXCLUSIVE)."""
        return MODES.index(self.mode) >= MODES.index("SHARE")


def who_waits(mode: LockMode) -> str:
    """Return, in words, which statements of the shop wait for a lock of this mode."""
    if mode == "ACCESS EXCLUSIVE":
        return "every SELECT, INSERT, UPDATE and DELETE"
    if MODES.index(mode) >= MODES.index("SHARE"):
        return "every INSERT, UPDATE and DELETE"
    return "no query of the shop, only other schema changes"


def seconds(work: Work, size_bytes: int) -> float:
    """Return about how long `work` on a table of this size takes; catalog work is 0."""
    return size_bytes / RATES[work] if work in RATES else 0.0


# ALTER TABLE … : (lock on the table, work under it)
ACTION_LOCKS: dict[str, tuple[LockMode, Work]] = {
    "validate-constraint": ("SHARE UPDATE EXCLUSIVE", "scan"),
    "set-statistics": ("SHARE UPDATE EXCLUSIVE", "catalog"),
    "set-options": ("SHARE UPDATE EXCLUSIVE", "catalog"),
    "cluster-on": ("SHARE UPDATE EXCLUSIVE", "catalog"),
    "attach-partition": ("SHARE UPDATE EXCLUSIVE", "scan"),
    "set-not-null": ("ACCESS EXCLUSIVE", "scan"),
    "set-tablespace": ("ACCESS EXCLUSIVE", "rewrite"),
    "set-unlogged": ("ACCESS EXCLUSIVE", "rewrite"),
    "set-logged": ("ACCESS EXCLUSIVE", "rewrite"),
    "alter-type": ("ACCESS EXCLUSIVE", "rewrite"),
}


def _constraint_lock(table: str, action: Action) -> list[Lock]:
    constraint = action.constraint
    if constraint is None:
        return [Lock(table, "ACCESS EXCLUSIVE")]
    work: Work = "catalog" if constraint.not_valid else "scan"
    if constraint.kind == "foreign-key":
        tables = [name for name in (table, constraint.references) if name]
        return [Lock(name, "SHARE ROW EXCLUSIVE", work) for name in tables]
    if constraint.index:
        return [Lock(table, "ACCESS EXCLUSIVE")]
    if constraint.kind in {"unique", "primary-key", "exclusion"}:
        work = "index-build"
    return [Lock(table, "ACCESS EXCLUSIVE", work)]


def _column_lock(table: str, action: Action, volatile: frozenset[str]) -> list[Lock]:
    column = action.column
    work: Work = "catalog"
    locks: list[Lock] = []
    if column is not None:
        calls = set(column.default.functions) if column.default else set()
        is_rewrite = column.identity or column.is_serial or column.generated == "stored"
        if is_rewrite or (column.generated is None and calls & volatile):
            work = "rewrite"
        locks = [
            Lock(constraint.references, "SHARE ROW EXCLUSIVE")
            for constraint in column.constraints
            if constraint.kind == "foreign-key" and constraint.references
        ]
    return [Lock(table, "ACCESS EXCLUSIVE", work), *locks]


VOLATILE = frozenset(
    {
        "clock_timestamp",
        "gen_random_bytes",
        "gen_random_uuid",
        "nextval",
        "random",
        "timeofday",
        "uuid_generate_v1",
        "uuid_generate_v4",
        "uuidv4",
        "uuidv7",
    }
)


def action_locks(
    table: str,
    action: Action,
    volatile: frozenset[str] = VOLATILE,
    free: frozenset[tuple[str, str | None]] = frozenset(),
) -> list[Lock]:
    """Return the locks of one ALTER TABLE action; those in `free` only touch the catalog."""
    if (action.kind, action.name) in free:
        return [Lock(table, "ACCESS EXCLUSIVE")]
    if action.kind == "add-constraint":
        return _constraint_lock(table, action)
    if action.kind == "add-column":
        return _column_lock(table, action, volatile)
    if action.kind == "detach-partition":
        if action.concurrently:
            return [Lock(table, "SHARE UPDATE EXCLUSIVE")]
        return [Lock(table, "ACCESS EXCLUSIVE")]
    mode, work = ACTION_LOCKS.get(action.kind, ("ACCESS EXCLUSIVE", "catalog"))
    return [Lock(table, mode, work)]


def statement_locks(
    statement: Statement,
    table: str | None = None,
    volatile: frozenset[str] = VOLATILE,
    free: frozenset[tuple[str, str | None]] = frozenset(),
) -> list[Lock]:
    """Return the locks a statement takes; `table` helps where SQL names only an index.

    `free` names actions (kind, column) known to need no work, such as a varchar made longer.
    """
    target = statement.table or table
    if statement.kind == "alter-table" and statement.table:
        found = [
            lock
            for action in statement.actions
            for lock in action_locks(statement.table, action, volatile, free)
        ]
        return _strongest(found)
    if target is None:
        return []
    return _command_locks(statement, target)


def _command_locks(statement: Statement, table: str) -> list[Lock]:
    concurrent: LockMode = "SHARE UPDATE EXCLUSIVE"
    match statement.kind:
        case "create-index":
            mode: LockMode = concurrent if statement.concurrently else "SHARE"
            return [Lock(table, mode, "index-build")]
        case "drop-index":
            return [Lock(table, concurrent if statement.concurrently else "ACCESS EXCLUSIVE")]
        case "reindex":
            return [Lock(table, concurrent if statement.concurrently else "SHARE", "index-build")]
        case "cluster" | "vacuum-full":
            return [Lock(table, "ACCESS EXCLUSIVE", "rewrite")]
        case "rename-table" | "rename-column" | "rename-constraint":
            return [Lock(table, "ACCESS EXCLUSIVE")]
        case "drop-table" | "truncate":
            return [Lock(name, "ACCESS EXCLUSIVE") for name in statement.tables or (table,)]
        case "create-trigger":
            return [Lock(table, "SHARE ROW EXCLUSIVE")]
        case "create-table":
            parents = {c.references for c in statement.constraints if c.references}
            parents |= {
                c.references for d in statement.definitions for c in d.constraints if c.references
            }
            return [Lock(parent, "SHARE ROW EXCLUSIVE") for parent in sorted(parents)]
        case "update" | "delete" | "insert":
            return [Lock(table, "ROW EXCLUSIVE", "scan")]
        case "vacuum" | "analyze":
            return [Lock(table, concurrent, "scan")]
    return []


def _strongest(locks: list[Lock]) -> list[Lock]:
    """Keep, for each table, the strongest lock with the heaviest work done under it."""
    order: tuple[Work, ...] = ("catalog", "scan", "index-build", "rewrite")
    kept: dict[str, Lock] = {}
    for lock in locks:
        known = kept.get(lock.table, lock)
        mode = max(known.mode, lock.mode, key=MODES.index)
        kept[lock.table] = Lock(lock.table, mode, max(known.work, lock.work, key=order.index))
    return list(kept.values())

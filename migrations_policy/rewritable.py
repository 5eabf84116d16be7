"""Which recipes may replace an operation: those that end in the same models and schema. Pure.

Other recipes need a decision (another type, a value nobody named, a change of the models) and are
for people to follow.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from .facts import Operation
from .recipe import Note, Paste
from .violation import Severity, Violation

# What Django writes besides, for an AlterField with a default: filled by the recipe's backfill.
FILLING = {"set-default", "drop-default"}
GUESSES = ("models.Value(1)", "your_app", "...")


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A violation that stays, and why no recipe can be written for it."""

    violation: Violation
    reason: str


def _has_constraint(operation: Operation) -> bool:
    return operation.constraint_source is not None or _is_one_statement(operation)


def _only_alters(*kinds: str) -> Callable[[Operation], bool]:
    """Return a test: the operation changes nothing but this, so the safe one may replace it."""

    def test(operation: Operation) -> bool:
        found = {action.kind for s in operation.all_statements for action in s.actions}
        return operation.kind == "AlterField" and found <= {*kinds, *FILLING}

    return test


def _is_one_statement(operation: Operation) -> bool:
    """Whether it is RunSQL with one statement, without state, hints, or a way back of its own."""
    if not operation.is_sql or len(operation.all_statements) != 1:
        return False
    return not _arguments(operation) & {"state_operations", "hints"}


def _has_no_way_back(operation: Operation) -> bool:
    return _is_one_statement(operation) and not _arguments(operation) & {"reverse_sql"}


def _arguments(operation: Operation) -> set[str]:
    """Return the names of the arguments of a RunSQL that say something."""
    try:
        call = ast.parse(operation.source.text.strip().rstrip(","), mode="eval").body
    except SyntaxError:
        return {"state_operations"}  # unreadable: do not touch it
    if not isinstance(call, ast.Call):
        return {"state_operations"}
    names = ("sql", "reverse_sql", "state_operations", "hints", "elidable")
    given = dict(zip(names, call.args, strict=False))
    given |= {keyword.arg or "**": keyword.value for keyword in call.keywords}
    return {name for name, value in given.items() if not _says_nothing(value)}


def _says_nothing(node: ast.expr) -> bool:
    is_noop = isinstance(node, ast.Attribute) and node.attr == "noop"
    return is_noop or (isinstance(node, ast.Constant) and not node.value)


def _adds_optional_unique(operation: Operation) -> bool:
    field = operation.field
    if operation.kind == "AddField":
        return field is not None and field.null
    return _has_constraint(operation) or _only_alters("add-constraint")(operation)


# In the order of preference, where an operation violates several: the first ones do the work of
# those below them too.
TESTS: dict[str, Callable[[Operation], bool]] = {
    "unique-callable-default": lambda op: bool(op.field and op.field.db_type == "uuid"),
    "add-unique": _adds_optional_unique,
    "foreign-key-column": lambda op: op.kind == "AddField",
    "add-foreign-key": _only_alters("add-constraint"),
    "dropped-default": lambda op: op.kind == "AddField",
    "add-check": lambda op: op.constraint_source is not None,
    "set-not-null": lambda op: _only_alters("set-not-null")(op) or _is_one_statement(op),
    "rename-column": lambda op: op.kind == "RenameField",
    "drop-column": lambda op: op.kind == "RemoveField",
    "drop-table": lambda op: op.kind == "DeleteModel",
    "blocking-index": _has_constraint,
    "unrepaired-index": _has_constraint,
    "concurrent-in-transaction": lambda op: not op.is_sql or _is_one_statement(op),
    "blocking-drop-index": lambda op: op.kind == "RemoveIndex" or _is_one_statement(op),
    "blocking-reindex": _is_one_statement,
    "sql-constraint-at-once": _is_one_statement,
    "unbatched-update": lambda op: _has_no_way_back(op) and op.statements[0].kind == "update",
}
# Found of whole migrations; taking them apart is the cure.
SPLITS = {"mixed-phases", "schema-with-data", "validate-with-add", "work-while-locked"}


def chosen(
    violations: Iterable[Violation], operations: tuple[Operation, ...]
) -> tuple[dict[int, Violation], list[Unwritten]]:
    """Return for each operation the violation whose recipe replaces it, and what is left."""
    found = sorted(violations, key=lambda v: list(TESTS).index(v.rule) if v.rule in TESTS else 99)
    taken: dict[int, Violation] = {}
    left: list[Unwritten] = []
    for violation in found:
        if violation.severity < Severity.ERROR or violation.rule in SPLITS:
            continue
        reason = _reason(violation, operations)
        if reason and violation.operation not in taken:
            left.append(Unwritten(violation, reason))
        elif not reason and violation.operation is not None:
            taken.setdefault(violation.operation, violation)
    return taken, [item for item in left if item.violation.operation not in taken]


def _reason(violation: Violation, operations: tuple[Operation, ...]) -> str:
    """Return why the recipe cannot be written into the file; "" when it can."""
    if violation.operation is None:
        return "it is about the whole migration"
    operation = operations[violation.operation]
    if not (operation.in_state and operation.in_database):
        return "it stands inside SeparateDatabaseAndState"
    steps = [step for step in violation.recipe if isinstance(step, Paste)]
    text = "\n".join(step.operations + step.preamble for step in steps)
    if any(guess in text for guess in GUESSES):
        return "its recipe needs a value that only you know"
    test = TESTS.get(violation.rule)
    if not steps or test is None or not test(operation):
        notes = [step.text for step in violation.recipe if isinstance(step, Note)]
        return notes[0] if notes else "its recipe ends in another schema, so it is yours to follow"
    return ""

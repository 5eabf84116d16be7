"""Rewrites an unsafe migration into safe ones, by the recipes of what was found. Pure.

One operation may become several migrations: what must not share a transaction, or a deploy phase,
gets a file of its own. Steps for after the deploy move behind all that can do without them.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from . import migration_source
from .facts import Migration, Operation
from .migration_source import INDENT, Element, Header, MigrationFile
from .phases import operation_phase
from .recipe import Note
from .rewritable import SPLITS, Unwritten, chosen
from .violation import Violation

EARLY = ("before", None)  # a step for before the deploy, and a part that may run at any time


class CannotRewrite(ValueError):
    """The migration cannot be rewritten; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Step:
    """Operations that stay together, and what they want of their migration.

    `subjects` are (model, field) pairs they are about, the field empty for all of the model; None
    when nobody can tell. `group` parts data and validation from other changes.
    """

    text: str
    header: Header
    subjects: frozenset[tuple[str, str]] | None
    group: str = "schema"
    is_next: bool = False  # of the same recipe: not in one migration with the step before
    is_alone: bool = False

    @property
    def is_after(self) -> bool:
        """Whether it belongs after the deploy."""
        return self.header.phase == "after"

    def waits_for(self, other: Step) -> bool:
        """Return whether it must not be moved ahead of `other`."""
        if self.subjects is None or other.subjects is None:
            return True
        pairs = ((a, b) for a in self.subjects for b in other.subjects)
        return any(a[0] == b[0] and (a[1] == b[1] or not (a[1] and b[1])) for a, b in pairs)


@dataclass(slots=True)
class Part:
    """The steps of one migration to be."""

    header: Header
    steps: list[Step] = field(default_factory=list)

    def takes(self, step: Step) -> bool:
        """Return whether the step may join."""
        last, phase = self.steps[-1], step.header.phase
        return (
            not (step.is_next or step.is_alone or last.is_alone)
            and self.header.atomic == step.header.atomic
            and (phase in (self.header.phase, None) or (phase, self.header.phase) == EARLY)
            and last.group == step.group
        )


@dataclass(frozen=True, slots=True)
class File:
    """A migration file to write: its name without `.py`, and its text."""

    name: str
    text: str
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Rewrite:
    """The files that replace a migration (the first keeps its name), and what stays as it is."""

    files: tuple[File, ...]
    left: tuple[Unwritten, ...] = ()


def rewrite(migration: Migration, violations: Iterable[Violation]) -> Rewrite:
    """Return the files that replace the migration; none when nothing needs to be rewritten.

    Raises CannotRewrite when the file is not written as migrations are.
    """
    found = list(violations)
    taken, left = chosen(found, migration.operations)
    if not taken and not any(violation.rule in SPLITS for violation in found):
        return Rewrite((), tuple(left))
    if migration.replaces:
        raise CannotRewrite(f"{migration.label} is squashed: rewrite the migrations it replaces")
    try:
        file = MigrationFile(migration.source.text)
    except migration_source.UnreadableMigration as error:
        raise CannotRewrite(f"{migration.label}: {error}; follow the recipes by hand") from error
    parts = _parted(_ordered(_steps(migration, file.elements, taken)))
    if not taken and len(parts) == 1:
        return Rewrite((), tuple(left))
    return Rewrite(tuple(_files(migration, file, parts)), tuple(left))


def _steps(
    migration: Migration, elements: Sequence[Element], taken: dict[int, Violation]
) -> list[Step]:
    if sum(element.inner for element in elements) != len(migration.operations):
        raise CannotRewrite(
            f"{migration.label}: `operations` says {len(elements)} things and runs "
            f"{len(migration.operations)}; follow the recipes by hand"
        )
    steps: list[Step] = []
    index = 0
    for element in elements:
        operations = migration.operations[index : index + element.inner]
        violation = taken.get(index) if element.inner == 1 else None
        if violation is None:
            steps.append(_kept(migration, element, operations))
        else:
            steps += _recipe_steps(element, violation, operations[0])
        index += element.inner
    return steps


def _kept(migration: Migration, element: Element, operations: Sequence[Operation]) -> Step:
    phases = {operation_phase(operation) for operation in operations}
    phase: str | None = "after" if phases == {"after"} else None
    header = Header(migration.atomic, migration.declared_phase or phase)
    subjects = frozenset[tuple[str, str]]().union(*(_subjects(o) or () for o in operations))
    is_opaque = any(_subjects(operation) is None for operation in operations)
    group = next((g for o in operations if (g := _group(o)) != "schema"), "schema")
    return Step(element.text, header, None if is_opaque else subjects, group)


def _recipe_steps(element: Element, violation: Violation, operation: Operation) -> list[Step]:
    steps: list[Step] = []
    notes = ""
    for step in violation.recipe:
        if isinstance(step, Note):
            lines = textwrap.wrap(step.text, 90, break_long_words=False)
            notes += "".join(f"{INDENT}# {line}\n" for line in lines)
            continue
        code = textwrap.dedent(step.operations).strip().rstrip(",")
        text = notes + textwrap.indent(code, INDENT) + ",\n"
        if not steps:
            text = element.above + text
            if element.behind:
                text = f"{INDENT}{element.behind.strip()}\n{text}"
        header = Header(step.atomic, step.phase, step.irreversible)
        is_light = step.atomic and code.startswith("migrations.AddField(")
        steps.append(Step(text, header, _subjects(operation), "schema", bool(steps), not is_light))
        notes = ""
    return steps


def _subjects(operation: Operation) -> frozenset[tuple[str, str]] | None:
    """Return what the operation is about; None for SQL, Python and whole models."""
    if operation.is_sql or operation.is_python or operation.is_data or operation.model is None:
        return None
    if operation.kind in {"CreateModel", "DeleteModel", "RenameModel"}:
        return None
    model = f"{operation.model.app_label}.{operation.model.name}".lower()
    fields = {name for name in (operation.field_name, operation.old_name) if name}
    return frozenset((model, name) for name in fields or {""})


def _group(operation: Operation) -> str:
    kinds = {statement.kind for statement in operation.all_statements}
    if operation.is_data or kinds & {"update", "delete", "insert"}:
        return "data"
    actions = {action.kind for s in operation.all_statements for action in s.actions}
    return "validation" if "validate-constraint" in actions else "schema"


def _ordered(steps: list[Step]) -> list[Step]:
    """Move steps for after the deploy, and what waits for them, behind all others."""
    now: list[Step] = []
    later: list[Step] = []
    for step in steps:
        waits = any(step.waits_for(other) for other in later)
        (later if step.is_after or waits else now).append(step)
    return now + later


def _parted(steps: list[Step]) -> list[Part]:
    parts: list[Part] = []
    for step in steps:
        if not parts or not parts[-1].takes(step):
            parts.append(Part(step.header))
        part = parts[-1]
        part.steps.append(step)
        part.header = replace(part.header, phase=part.header.phase or step.header.phase)
    return parts


def _files(migration: Migration, file: MigrationFile, parts: list[Part]) -> Iterable[File]:
    previous = ""
    for number, part in enumerate(parts, start=1):
        name = migration.name if number == 1 else step_name(migration.name, number)
        elements = "".join(step.text for step in part.steps)
        if number == 1:
            text = migration_source.changed(file, elements, part.header)
        else:
            parent = (migration.app_label, previous)
            text = migration_source.separate(file, elements, part.header, parent)
        yield File(name, text, part.header.phase)
        previous = name


def step_name(name: str, number: int) -> str:
    """Return the name of a further step: with the next number, for `migrate app 0042` to tell."""
    match = re.fullmatch(r"(\d+)(_?.*)", name)
    if match is None:
        return f"step{number}_{name}"
    return f"{int(match[1]) + number - 1:0{len(match[1])}}{match[2]}_step{number}"


def diff(path: str, old: str, new: str) -> str:
    """Return a unified diff of one file; `old` is empty for a new one."""
    before = "/dev/null" if not old else f"a/{path}"
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), before, f"b/{path}"
    )
    return "".join(lines)

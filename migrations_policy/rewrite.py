"""Rewrites an unsafe migration into safe ones, by the recipes of what was found. Pure.

One operation may become several migrations: what must not share a transaction, or a deploy phase,
gets a file of its own.
"""

from __future__ import annotations

import ast
import difflib
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

from .facts import Migration, Operation
from .recipe import IMPORTS, Note, Paste, Recipe, merged_imports
from .violation import Severity, Violation


class CannotRewrite(ValueError):
    """The migration cannot be rewritten; the message says why and what to do."""


@dataclass(slots=True)
class Part:
    """The operations of one migration to be, and what makes it a migration of its own."""

    atomic: bool = True
    phase: str | None = None
    operations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    preambles: list[str] = field(default_factory=list)
    is_closed: bool = False

    def takes(self, atomic: bool, phase: str | None) -> bool:
        """Return whether an operation of this kind may join."""
        return not self.operations or (
            not self.is_closed and self.atomic == atomic and self.phase in (phase, None)
        )


@dataclass(frozen=True, slots=True)
class File:
    """A migration file to write: its name without `.py`, and its text."""

    name: str
    text: str


def rewrite(migration: Migration, violations: Iterable[Violation]) -> list[File]:
    """Return the files that replace the migration: the first keeps its name.

    Raises CannotRewrite when nothing was found that has a recipe as code.
    """
    recipes = _recipes(violations)
    if not recipes:
        raise CannotRewrite(f"{migration.label}: nothing was found that a recipe would change")
    parts = [Part()]
    for operation in migration.operations:
        recipe = recipes.get(operation.index)
        if recipe is None:
            _join(parts, _source(operation), migration.atomic, None)
        else:
            _follow(parts, recipe)
    parts = [part for part in parts if part.operations]
    names = [migration.name] + [f"{migration.name}_step{n}" for n in range(2, len(parts) + 1)]
    return [
        File(name, _text(migration, part, previous))
        for name, part, previous in zip(names, parts, [None, *names], strict=False)
    ]


def _recipes(violations: Iterable[Violation]) -> dict[int, Recipe]:
    """Return for each operation the recipe of its worst violation that can be pasted."""
    found: dict[int, Recipe] = {}
    ranked = sorted(violations, key=lambda v: v.severity, reverse=True)
    for violation in ranked:
        is_code = any(isinstance(step, Paste) for step in violation.recipe)
        if violation.operation is not None and is_code and violation.severity >= Severity.ERROR:
            found.setdefault(violation.operation, violation.recipe)
    return found


def _source(operation: Operation) -> str:
    return textwrap.dedent(operation.source.text).strip().rstrip(",")


def _join(parts: list[Part], source: str, atomic: bool, phase: str | None) -> Part:
    if not parts[-1].takes(atomic, phase):
        parts.append(Part())
    part = parts[-1]
    if not part.operations:
        part.atomic, part.phase = atomic, phase
    part.phase = part.phase or phase
    part.operations.append(source)
    return part


def _follow(parts: list[Part], recipe: Recipe) -> None:
    """Add the recipe's steps; each of its migrations ends the part it stands in."""
    notes: list[str] = []
    is_first = True
    for step in recipe:
        if isinstance(step, Note):
            notes.append(step.text)
            continue
        if not is_first:
            parts[-1].is_closed = True
        source = textwrap.dedent(step.operations).strip().rstrip(",")
        part = _join(parts, source, step.atomic, step.phase)
        part.notes += notes
        if step.preamble:
            part.preambles.append(step.preamble.strip())
        notes, is_first = [], False
    parts[-1].is_closed = True


def _text(migration: Migration, part: Part, previous: str | None) -> str:
    tree = ast.parse(migration.source.text)
    lines = migration.source.text.splitlines()
    owner = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Migration")
    body = ",\n".join(part.operations)
    others = [
        "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in tree.body
        if not isinstance(node, ast.Import | ast.ImportFrom | ast.ClassDef)
        and not _is_docstring(node)
        and _is_used(node, body)
    ]
    code = "\n\n\n".join([*others, *part.preambles])
    imports = _imports(tree, lines, f"{body}\n{code}")
    head = "\n".join(imports)
    comments = "".join(f"# {line}\n" for note in part.notes for line in textwrap.wrap(note, 94))
    attributes = _attributes(owner, lines, migration, part, previous)
    operations = textwrap.indent(body, " " * 8)
    pieces = [head, code, f"{comments}class Migration(migrations.Migration):\n{attributes}"]
    text = "\n\n\n".join(piece for piece in pieces if piece)
    return f"{text}\n    operations = [\n{operations},\n    ]\n"


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_used(node: ast.stmt, body: str) -> bool:
    names = [node.name] if isinstance(node, ast.FunctionDef) else []
    if isinstance(node, ast.Assign):
        names = [t.id for t in node.targets if isinstance(t, ast.Name)]
    return not names or any(re.search(rf"\b{name}\b", body) for name in names)


def _attributes(
    owner: ast.ClassDef, lines: list[str], migration: Migration, part: Part, previous: str | None
) -> str:
    """Return the class's own attributes, with dependencies, atomic and phase made to fit."""
    kept = []
    for node in owner.body:
        names = {t.id for t in getattr(node, "targets", ()) if isinstance(t, ast.Name)}
        replaced = {"operations", "atomic", "policy_phase"} | (
            {"dependencies", "initial", "replaces", "run_before"} if previous else set()
        )
        if not names & replaced:
            kept.append("\n".join(lines[node.lineno - 1 : node.end_lineno]))
    if previous:
        kept.append(f'    dependencies = [("{migration.app_label}", "{previous}")]')
    if not part.atomic:
        kept.append("    atomic = False")
    if part.phase:
        kept.append(f'    policy_phase = "{part.phase}"')
    return "\n".join(kept)


def _imports(tree: ast.Module, lines: list[str], code: str) -> list[str]:
    """Return the import lines the code needs: the file's own ones, and those of recipes."""
    found = {"from django.db import migrations, models"}
    if "models." not in code:
        found = {"from django.db import migrations"}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            bound = [(a.asname or a.name).split(".")[0] for a in node.names]
            is_django_db = isinstance(node, ast.ImportFrom) and node.module == "django.db"
            if not is_django_db and any(
                name == "*" or re.search(rf"\b{name}\b", code) for name in bound
            ):
                found.add("\n".join(lines[node.lineno - 1 : node.end_lineno]))
    for name, line in IMPORTS.items():
        if "django.db import" not in line and re.search(rf"(?<![\w.]){re.escape(name)}", code):
            found.add(line)
    return merged_imports(found)


def diff(path: str, old: str, new: str) -> str:
    """Return a unified diff of one file; `old` is empty for a new one."""
    before = "/dev/null" if not old else f"a/{path}"
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), before, f"b/{path}"
    )
    return "".join(lines)

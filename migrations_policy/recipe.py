"""Recipes: the safe way as code to paste, with the user's own names in it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# Names a recipe may use, and the import that each needs.
IMPORTS = {
    "migrations.": "from django.db import migrations",
    "models.": "from django.db import models",
    "AddIndexConcurrently(": "from migrations_policy.operations import AddIndexConcurrently",
    "RemoveIndexConcurrently(": (
        "from django.contrib.postgres.operations import RemoveIndexConcurrently"
    ),
    "AddForeignKeyNotValid(": "from migrations_policy.operations import AddForeignKeyNotValid",
    "AddCheckNotValid(": "from migrations_policy.operations import AddCheckNotValid",
    "ValidateConstraint(": "from migrations_policy.operations import ValidateConstraint",
    "SetNotNullSafely(": "from migrations_policy.operations import SetNotNullSafely",
    "AddUniqueConcurrently(": "from migrations_policy.operations import AddUniqueConcurrently",
    "BackfillInBatches(": "from migrations_policy.operations import BackfillInBatches",
    "RenameFieldSafely(": "from migrations_policy.operations import RenameFieldSafely",
    "FinishRenameField(": "from migrations_policy.operations import FinishRenameField",
    "RemoveFieldSafely(": "from migrations_policy.operations import RemoveFieldSafely",
    "DropColumnSafely(": "from migrations_policy.operations import DropColumnSafely",
    "RemoveModelSafely(": "from migrations_policy.operations import RemoveModelSafely",
    "DropTableSafely(": "from migrations_policy.operations import DropTableSafely",
    "UpdateInBatches(": "from migrations_policy.operations import UpdateInBatches",
    "SetUniqueSafely(": "from migrations_policy.operations import SetUniqueSafely",
    "Now()": "from django.db.models.functions import Now",
    "RandomUUID(": "from django.contrib.postgres.functions import RandomUUID",
    "postgres_fields.": "from django.contrib.postgres import fields as postgres_fields",
    "timezone.": "from django.utils import timezone",
    "uuid.": "import uuid",
    "datetime.": "import datetime",
    "django.contrib.postgres": "import django.contrib.postgres",
    "django.db.models.": "import django.db.models",
    "decimal.": "import decimal",
}


@dataclass(frozen=True, slots=True)
class Paste:
    """One migration to write: the source of its operations, one after another."""

    operations: str
    phase: Literal["before", "after"] = "before"
    atomic: bool = True
    title: str = ""
    preamble: str = ""
    irreversible: str = ""

    def module(self, imports: bool = True) -> str:
        """Return the migration's source without its dependencies."""
        body = textwrap.indent(textwrap.dedent(self.operations).strip().rstrip(","), " " * 8)
        head = "\n".join(self.imports()) + "\n\n\n" if imports else ""
        preamble = f"{self.preamble.strip()}\n\n\n" if self.preamble else ""
        atomic = "" if self.atomic else "    atomic = False\n"
        if self.irreversible:
            atomic += f'    policy_irreversible = "{self.irreversible}"\n'
        return (
            f"{head}{preamble}class Migration(migrations.Migration):\n{atomic}"
            f'    policy_phase = "{self.phase}"\n'
            f"    operations = [\n{body},\n    ]\n"
        )

    def imports(self) -> list[str]:
        """Return the import lines its source needs."""
        text = f"migrations.\n{self.operations}\n{self.preamble}"
        found = {
            line
            for name, line in IMPORTS.items()
            if re.search(rf"(?<![\w.]){re.escape(name)}", text)
        }
        return merged_imports(found)


def merged_imports(lines: Iterable[str]) -> list[str]:
    """Return import lines sorted, names of one module on one line."""
    names: dict[str, set[str]] = {}
    plain: set[str] = set()
    for line in lines:
        match = re.fullmatch(r"from (\S+) import ([\w, ]+)", line)
        if match:
            names.setdefault(match[1], set()).update(re.split(r", *", match[2]))
        else:
            plain.add(line)
    joined = [
        f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names)
    ]
    return [*sorted(plain, key=lambda line: (line.startswith("from"), line)), *joined]


@dataclass(frozen=True, slots=True)
class Note:
    """A step that is no migration: a deploy, a command, a change of the models."""

    text: str


Step = Paste | Note
Recipe = tuple[Step, ...]


def render(recipe: Recipe) -> str:
    """Return the recipe as numbered, paste-able text."""
    parts = []
    for number, step in enumerate(recipe, start=1):
        if isinstance(step, Note):
            parts.append(textwrap.fill(f"# {number}. {step.text}", 88, subsequent_indent="#    "))
        else:
            title = step.title or f"a migration {step.phase} the deploy"
            parts.append(f"# {number}. {title}\n{step.module()}")
    return "\n\n".join(part.rstrip() for part in parts)

"""Loads migrations into a plan of facts: operations, their SQL, the models around them."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import (
    AddConstraint,
    AddIndex,
    RunPython,
    RunSQL,
    SeparateDatabaseAndState,
)
from django.db.migrations.operations.base import Operation as DjangoOperation

from . import python_source
from .collect import Collector
from .describe import default_source, model_facts
from .facts import Finding, Migration, ModelFacts, Operation, Plan, Source
from .names import Names, concerns_others, names_of, needed_fields
from .python_source import Position
from .sql.statement import Statement
from .states import Cutter, Need

Key = tuple[str, str]


@dataclass(slots=True)
class Scope:
    """Which migrations to judge: app labels, exact keys, or (both empty) all of them."""

    app_labels: frozenset[str] = frozenset()
    keys: frozenset[Key] | None = None

    def contains(self, key: Key) -> bool:
        """Return whether the migration is to be judged."""
        if self.keys is not None and key not in self.keys:
            return False
        return not self.app_labels or key[0] in self.app_labels


@dataclass(slots=True)
class Place:
    """Where an operation stands inside its migration: halves and lines."""

    position: Position
    in_state: bool = True
    in_database: bool = True


@dataclass(slots=True)
class File:
    """A migration's file, read and parsed once."""

    path: str
    text: str
    tree: ast.Module
    lines: list[str] = field(default_factory=list)

    def source(self, line: int, end_line: int) -> Source:
        """Return these lines of the file."""
        return Source(self.path, line, end_line, "\n".join(self.lines[line - 1 : end_line]))


def load_plan(
    scope: Scope | None = None,
    *,
    loader: MigrationLoader | None = None,
    version: int = 14,
    applied: Collection[Key] | None = None,
    root: Path | None = None,
) -> Plan:
    """Return the plan of facts for the migrations in scope.

    `loader` defaults to one that reads files only. `applied` (from a database) marks migrations
    that have run. Paths are shown relative to `root`.
    """
    loader = loader or MigrationLoader(None, ignore_no_migrations=True)
    builder = PlanBuilder(loader, scope or Scope(), version, applied, root or Path.cwd())
    return builder.build()


class PlanBuilder:
    """Walks the graph in order, carrying the project state along."""

    def __init__(
        self,
        loader: MigrationLoader,
        scope: Scope,
        version: int,
        applied: Collection[Key] | None,
        root: Path,
    ) -> None:
        self.loader = loader
        self.scope = scope
        self.applied = applied
        self.collector = Collector(version)
        self.cutter = Cutter()
        self.folder = lru_cache(maxsize=64)(partial(_relative, root=root))
        self.names_of = lru_cache(maxsize=4)(names_of)  # asked for twice in a row
        self.model_facts = lru_cache(maxsize=64)(model_facts)
        self.state_removed: set[tuple[str, str]] = set()

    def build(self) -> Plan:
        """Return the plan."""
        graph = self.loader.graph
        order = self._order()
        last = max((i for i, key in enumerate(order) if self.scope.contains(key)), default=-1)
        state = self.loader.project_state([])
        judged = []
        for key in order[: last + 1]:
            migration = graph.nodes[key]
            if self.scope.contains(key):
                judged.append(self._describe(migration, state))
            elif any(map(_leaves_columns, migration.operations)):
                self._describe(migration, state)  # later migrations ask what it left behind
            else:
                state = migration.mutate_state(state, preserve=False)
        apps = sorted({app for app, _ in graph.nodes})
        leaves = tuple((app, tuple(sorted(n for _, n in graph.leaf_nodes(app)))) for app in apps)
        return Plan(
            tuple(judged),
            leaves=leaves,
            state_removed=frozenset(self.state_removed),
            max_migrations=tuple(self._max_migrations(leaves)),
        )

    def _order(self) -> list[Key]:
        graph = self.loader.graph
        seen: dict[Key, None] = {}
        for leaf in sorted(graph.leaf_nodes()):
            for key in graph.forwards_plan(leaf):
                seen.setdefault(key)
        return list(seen)

    def _max_migrations(
        self, leaves: tuple[tuple[str, tuple[str, ...]], ...]
    ) -> Iterator[tuple[str, str, str]]:
        """Yield (app, what max_migration.txt says, the real leaf) where the file is kept."""
        for app, names in leaves:
            migration = self.loader.graph.nodes.get((app, names[0])) if names else None
            path = _module_path(migration) if migration else None
            marker = path.parent / "max_migration.txt" if path else None
            if marker and marker.exists():
                yield app, marker.read_text(encoding="utf-8").strip(), ", ".join(names)

    def _read(self, migration: Any) -> File:
        path = _module_path(migration)
        try:
            text = path.read_text(encoding="utf-8") if path else ""
        except FileNotFoundError:
            text = ""
        shown = migration.__module__
        if path:
            shown = f"{self.folder(path.parent)}/{path.name}".removeprefix("./")
        return File(shown, text, ast.parse(text), text.splitlines())

    def _describe(self, migration: Any, state: Any) -> Migration:
        file = self._read(migration)
        self.collector.reset()
        places = self._places(migration, file)
        operations: list[Operation] = []
        removed_before = frozenset(self.state_removed)
        for operation, position in zip(migration.operations, places, strict=True):
            for described in self._operation(migration, operation, position, state, file):
                operations.append(replace(described, index=len(operations)))
        line = python_source.class_line(file.tree)
        key = (migration.app_label, migration.name)
        return Migration(
            *key,
            Source(file.path, line, line, file.text),
            tuple(operations),
            atomic=migration.atomic,
            initial=bool(migration.initial or not migration.dependencies),
            replaces=tuple(map(tuple, migration.replaces)),
            dependencies=tuple((a, n) for a, n in migration.dependencies),
            declared_phase=getattr(migration, "policy_phase", None),
            time_budget=getattr(migration, "policy_time_budget", None),
            declared_irreversible=getattr(migration, "policy_irreversible", ""),
            applied=None if self.applied is None else key in self.applied,
            state_removed=tuple(sorted(removed_before)),
        )

    def _places(self, migration: Any, file: File) -> list[Position]:
        places = python_source.positions(file.tree)
        if len(places) == len(migration.operations):
            return places
        line = python_source.class_line(file.tree)
        return [Position(line, line) for _ in migration.operations]

    def _operation(
        self, migration: Any, operation: Any, position: Position, state: Any, file: File
    ) -> Iterator[Operation]:
        app = migration.app_label
        if type(operation) is not SeparateDatabaseAndState:
            states = self._step(operation, app, state)
            yield self._one(migration, operation, Place(position), states, file)
            return
        # As Django runs it: the database half goes its own way, the state half is what stays.
        aside = state.clone()
        for inner, place in _pair(operation.database_operations, position.database, position):
            states = self._step(inner, app, aside)
            yield self._one(migration, inner, Place(place, in_state=False), states, file)
        for inner, place in _pair(operation.state_operations, position.state, position):
            states = self._step(inner, app, state)
            yield self._one(migration, inner, Place(place, in_database=False), states, file)

    def _step(self, operation: Any, app: str, state: Any) -> tuple[Any, Any]:
        """Take the state over the operation; return what it needs of the state before and after."""
        if isinstance(operation, RunPython | RunSQL):
            operation.state_forwards(app, state)
            return state, state
        names = self.names_of(operation)
        if names.model is None:
            before = state.clone()
            operation.state_forwards(app, state)
            return before, state.clone()
        fields, others = needed_fields(operation, names), concerns_others(operation)
        if isinstance(operation, AddIndex | AddConstraint):
            # Nothing but the new item tells the two states apart, and no SQL depends on it.
            operation.state_forwards(app, state)
            after = self.cutter.cut(state, Need(app, names.model, fields, others))
            return after, after
        before = self.cutter.cut(state, Need(app, names.old_model, fields, others))
        operation.state_forwards(app, state)
        if names.old_model != names.model or names.old_field != names.field:
            self.cutter.forget()
        return before, self.cutter.cut(state, Need(app, names.model, fields, others))

    def _one(
        self, migration: Any, operation: Any, place: Place, states: tuple[Any, Any], file: File
    ) -> Operation:
        app = migration.app_label
        before, after = states
        statements: tuple[Statement, ...] = ()
        deferred: tuple[Statement, ...] = ()
        error = ""
        if place.in_database and not isinstance(operation, RunPython):
            statements, deferred, error = self.collector.run(operation, app, before, after)
        names = self.names_of(operation)
        old, new = (
            self._model(s, app, m, names)
            for s, m in ((before, names.old_model), (after, names.model))
        )
        self._remember(place, operation, old, names)
        position = place.position
        function, findings = _python(operation, file, after)
        return Operation(
            0,
            type(operation).__name__,
            operation.describe(),
            file.source(position.line, position.end_line),
            statements,
            deferred,
            old,
            new,
            names.field,
            names.old_field,
            reversible=bool(operation.reversible),
            is_elidable=bool(operation.elidable),
            in_state=place.in_state,
            in_database=place.in_database,
            is_retry_safe=bool(getattr(operation, "policy_retry_safe", False)),
            is_data=bool(getattr(operation, "policy_data", False))
            or isinstance(operation, RunPython),
            has_hints=bool(getattr(operation, "hints", None)),
            function=function,
            findings=(*position.strings, *findings),
            name=names.name,
            constraint_source=names.constraint_source,
            error=error,
            given_default=default_source(getattr(operation, "field", None)),
        )

    def _model(self, state: Any, app: str, name: str | None, names: Names) -> ModelFacts | None:
        if name is None or (app, name.lower()) not in state.models:
            return None
        wanted = frozenset(n for n in (names.field, names.old_field) if n)
        model = state.apps.get_model(app, name)
        return self.model_facts(model, self.collector.connection, wanted)

    def _remember(self, place: Place, operation: Any, old: ModelFacts | None, names: Names) -> None:
        """Note columns and tables that left the state while the database kept them."""
        keeps = not place.in_database or getattr(operation, "policy_state_only", False)
        if not keeps or old is None:
            return
        kind = type(operation).__name__
        if kind == "DeleteModel" or names.removes_model:
            self.state_removed.add((old.table, "*"))
        elif (
            (name := names.old_field or names.field) and (found := old.field(name)) and found.column
        ):
            self.state_removed.add((old.table, found.column))


def _python(operation: Any, file: File, state: Any) -> tuple[str | None, tuple[Finding, ...]]:
    """Return the name of a data function, and what its source does."""
    if not isinstance(operation, RunPython):
        return None, ()
    code: Callable[..., Any] = operation.code
    name = getattr(code, "__name__", type(code).__name__)
    tree = file.tree
    if not any(isinstance(n, ast.FunctionDef) and n.name == name for n in tree.body):
        tree = _foreign_tree(code)
    found = python_source.function_findings(tree, name)
    return name, tuple(_resolved(found, state))


def _leaves_columns(operation: DjangoOperation) -> bool:
    """Whether the operation may take something out of the state that stays in the database."""
    is_split = isinstance(operation, SeparateDatabaseAndState)
    return is_split or bool(getattr(operation, "policy_state_only", False))


def _resolved(found: list[Finding], state: Any) -> Iterator[Finding]:
    """Turn lookups of models that the historical state lacks into `unknown-model`."""
    for item in found:
        app, _, model = item.subject.partition(".")
        if item.kind != "get-model":
            yield item
        elif model and (app, model.lower()) not in state.models:
            yield Finding("unknown-model", item.line, item.subject, item.function)
        else:
            yield Finding("uses-model", item.line, item.subject, item.function)


def _pair(
    operations: Sequence[Any], places: list[Position], outer: Position
) -> Iterator[tuple[Any, Position]]:
    if len(places) != len(operations):
        places = [Position(outer.line, outer.end_line) for _ in operations]
    yield from zip(operations, places, strict=True)


def _module_path(migration: Any) -> Path | None:
    try:
        return Path(inspect.getfile(type(migration)))
    except (TypeError, OSError):
        return None


def _foreign_tree(code: Callable[..., Any]) -> ast.Module:
    """Return the parsed module a data function was imported from, empty when unreadable."""
    try:
        path = inspect.getsourcefile(inspect.unwrap(code))
        return ast.parse(Path(path).read_text(encoding="utf-8")) if path else ast.parse("")
    except (TypeError, OSError, SyntaxError):
        return ast.parse("")


def _relative(path: Path, root: Path) -> str:
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()

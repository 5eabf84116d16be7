"""What the Python source of a migration says: where operations stand, what data functions do.

Pure: source text in, positions and findings out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from .facts import Finding

HISTORIC_ARGUMENTS = ("apps", "schema_editor")
KEY_RANGES = ("pk__", "id__", "pk", "id")
WRITES = {"update", "delete"}


@dataclass(slots=True)
class Position:
    """Lines of one operation, and of those inside SeparateDatabaseAndState."""

    line: int
    end_line: int
    database: list[Position] = field(default_factory=list)
    state: list[Position] = field(default_factory=list)
    strings: tuple[Finding, ...] = ()


def positions(tree: ast.Module) -> list[Position]:
    """Return the positions of the elements of the Migration class's `operations`."""
    found: list[Position] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "Migration":
            for part in node.body:
                value = _operations_value(part)
                if isinstance(value, ast.List):
                    found += [_position(element) for element in value.elts]
    return found


def class_line(tree: ast.Module) -> int:
    """Return the line of `class Migration`, or 1."""
    lines = (n.lineno for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Migration")
    return next(lines, 1)


def _operations_value(node: ast.stmt) -> ast.expr | None:
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    else:
        return None
    is_operations = any(isinstance(t, ast.Name) and t.id == "operations" for t in targets)
    return node.value if is_operations else None


def _position(node: ast.expr) -> Position:
    position = Position(node.lineno, node.end_lineno or node.lineno)
    if not isinstance(node, ast.Call):
        return position
    name = _called(node)
    if name == "SeparateDatabaseAndState":
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        values = dict(zip(("database_operations", "state_operations"), node.args, strict=False))
        values.update({key: value for key, value in named.items() if key})
        for key, into in (
            ("database_operations", position.database),
            ("state_operations", position.state),
        ):
            value = values.get(key)
            if isinstance(value, ast.List):
                into.extend(_position(element) for element in value.elts)
    if name == "RunSQL":
        position.strings = tuple(_built(node, list(node.args) + [k.value for k in node.keywords]))
    return position


def _called(node: ast.Call) -> str:
    target = node.func
    if isinstance(target, ast.Attribute):
        return target.attr
    return target.id if isinstance(target, ast.Name) else ""


def _built(node: ast.Call, arguments: list[ast.expr]) -> Iterator[Finding]:
    """Yield a finding for each argument that builds SQL out of values."""
    for argument in arguments:
        for child in ast.walk(argument):
            if _is_built(child):
                yield Finding("built-sql", child.lineno, _called(node))  # type: ignore[attr-defined]
                break


def _is_built(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = (node.left, node.right)
        has_text = any(isinstance(s, ast.Constant) and isinstance(s.value, str) for s in sides)
        return has_text and not all(isinstance(s, ast.Constant) for s in sides)
    is_format = isinstance(node, ast.Call) and _called(node) == "format"
    return is_format and isinstance(node.func, ast.Attribute)  # type: ignore[attr-defined]


def function_findings(tree: ast.Module, function: str) -> list[Finding]:
    """Return what the data function `function` of this module does, with the ones it calls."""
    functions = {n.name: n for n in tree.body if isinstance(n, ast.FunctionDef)}
    imported = dict(_model_imports(tree))
    found: list[Finding] = []
    seen: set[str] = set()
    queue = [function]
    while queue:
        name = queue.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        node = functions[name]
        found += _one_function(node, imported, is_entry=name == function)
        queue += [_called(call) for call in ast.walk(node) if isinstance(call, ast.Call)]
    return [Finding(f.kind, f.line, f.subject, function) for f in found]


def _model_imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            is_models = node.module == "models" or node.module.endswith(".models")
            if is_models and not node.module.startswith("django.db"):
                for alias in node.names:
                    yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _one_function(
    node: ast.FunctionDef, imported: dict[str, str], is_entry: bool
) -> Iterator[Finding]:
    if is_entry:
        names = tuple(argument.arg for argument in node.args.args)
        if len(names) >= 2 and tuple(n.lstrip("_") for n in names[:2]) != HISTORIC_ARGUMENTS:
            yield Finding("argument-names", node.lineno, ", ".join(names))
    assigned = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and _is_stored(n)}
    imported = {k: v for k, v in imported.items() if k not in assigned} | dict(_model_imports(node))
    for child in ast.walk(node):
        if isinstance(child, ast.Attribute) and child.attr in {"objects", "_default_manager"}:
            owner = child.value
            if isinstance(owner, ast.Name) and owner.id in imported:
                yield Finding("direct-import", child.lineno, imported[owner.id])
        if isinstance(child, ast.Call):
            yield from _call(child, imported)
        if isinstance(child, ast.For) and _saves_each(child):
            yield Finding("unbatched-write", child.lineno, "save() in a loop")


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _call(node: ast.Call, imported: dict[str, str]) -> Iterator[Finding]:
    name = _called(node)
    if isinstance(node.func, ast.Name) and name in imported:
        yield Finding("direct-import", node.lineno, imported[name])
    elif name == "get_user_model":
        yield Finding("direct-import", node.lineno, "get_user_model()")
    elif name == "get_model":
        parts = [a.value for a in node.args if isinstance(a, ast.Constant)]
        if parts and all(isinstance(part, str) for part in parts):
            yield Finding("get-model", node.lineno, ".".join(map(str, parts)))
    elif name == "iterator":
        yield Finding("iterator", node.lineno, ast.unparse(node.func))
    elif name == "execute":
        yield from _built(node, node.args[:1])
    elif name in WRITES and _is_queryset(node):
        kind = "batched-write" if _is_batch(node) else "unbatched-write"
        yield Finding(kind, node.lineno, f"{ast.unparse(node.func)}()")


def _is_queryset(node: ast.Call) -> bool:
    return any(
        isinstance(child, ast.Attribute) and child.attr in {"objects", "_default_manager"}
        for child in ast.walk(node.func)
    )


def _is_batch(node: ast.Call) -> bool:
    """Whether the chain picks rows by key, as one batch or one row does."""
    for child in ast.walk(node.func):
        if isinstance(child, ast.Call) and _called(child) in {"filter", "get"}:
            for keyword in child.keywords:
                if keyword.arg and (
                    keyword.arg in KEY_RANGES or keyword.arg.startswith(KEY_RANGES)
                ):
                    return True
    return False


def _saves_each(loop: ast.For) -> bool:
    text = ast.unparse(loop.iter)
    if ".objects" not in text or "[" in text:
        return False
    return any(
        isinstance(child, ast.Call) and _called(child) in {"save", "delete"}
        for child in ast.walk(loop)
    )

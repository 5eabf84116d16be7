"""The text of a migration file, taken apart so that the rest of it survives a rewrite. Pure."""

from __future__ import annotations

import ast
import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .recipe import IMPORTS, merged_imports

INDENT = " " * 8
ATTRIBUTES_OF_THE_FIRST = {"dependencies", "initial", "replaces"}
SET_HERE = {"operations", "atomic", "policy_phase", "policy_irreversible"}


class UnreadableMigration(ValueError):
    """The file is not written as migrations are; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of `operations` as it stands: its lines with the comments above and behind."""

    code: str
    above: str = ""
    behind: str = ""
    inner: int = 1  # operations it holds: more than one for SeparateDatabaseAndState

    @property
    def text(self) -> str:
        """The element as lines of a list, indented, with its comma and comments."""
        return f"{self.above}{INDENT}{self.code},{self.behind}\n"


@dataclass(slots=True)
class MigrationFile:
    """A migration's source: the list of operations, and everything around it."""

    text: str
    tree: ast.Module = field(init=False)
    lines: list[str] = field(init=False)
    owner: ast.ClassDef = field(init=False)
    assignment: ast.Assign | ast.AnnAssign = field(init=False)
    elements: list[Element] = field(init=False)
    tail: str = field(init=False, default="")

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.text)
        self.lines = self.text.splitlines(keepends=True)
        classes = [n for n in self.tree.body if isinstance(n, ast.ClassDef)]
        owner = next((n for n in classes if n.name == "Migration"), None)
        if owner is None:
            raise UnreadableMigration("the file has no class Migration of its own")
        self.owner = owner
        found = [n for n in owner.body if _assigned(n) == {"operations"}]
        if len(found) != 1 or not isinstance(getattr(found[0], "value", None), ast.List):
            raise UnreadableMigration("`operations` is not one plain list")
        self.assignment = found[0]  # type: ignore[assignment]  # it has a list as its value
        self.elements = self._elements()

    def _elements(self) -> list[Element]:
        value = self.assignment.value
        assert isinstance(value, ast.List)
        found = []
        end = (value.lineno, value.col_offset + 1)
        for node in value.elts:
            if isinstance(node, ast.Starred):
                raise UnreadableMigration("`operations` unpacks another list")
            above = self._comments(end, (node.lineno, node.col_offset))
            stop = (node.end_lineno or 0, node.end_col_offset or 0)
            behind, end = self._behind(stop)
            code = self.between((node.lineno, node.col_offset), stop)
            found.append(Element(code, above, behind, _held(node)))
        last = (value.end_lineno or 0, (value.end_col_offset or 1) - 1)
        self.tail = self._comments(end, last)
        return found

    def between(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        """Return the text between two places (line from 1, column in bytes)."""
        rows = [line.encode() for line in self.lines[start[0] - 1 : end[0]]]
        rows[-1] = rows[-1][: end[1]]
        rows[0] = rows[0][start[1] :]
        return b"".join(rows).decode()

    def _comments(self, start: tuple[int, int], end: tuple[int, int]) -> str:
        text = self.between(start, end)
        kept = [line.strip() for line in text.split("\n") if "#" in line]
        return "".join(f"{INDENT}{line.lstrip(', ')}\n" for line in kept)

    def _behind(self, stop: tuple[int, int]) -> tuple[str, tuple[int, int]]:
        """Return the comment on an element's last line, and where what follows begins."""
        rest = self.lines[stop[0] - 1].encode()[stop[1] :].decode()
        match = re.match(r"\s*,?\s*(#.*)?$", rest.rstrip("\n"))
        if match and match[1]:
            return f"  {match[1]}", (stop[0] + 1, 0)
        comma = re.match(r"\s*,", rest)
        return "", (stop[0], stop[1] + len((comma[0] if comma else "").encode()))

    def block(self, node: ast.stmt) -> tuple[int, int]:
        """Return the lines of a statement with its decorators and the comments right above."""
        decorators = getattr(node, "decorator_list", ())
        first = min([node.lineno, *(d.lineno for d in decorators)])
        while first > 1 and self.lines[first - 2].startswith("#"):
            first -= 1
        return first, node.end_lineno or node.lineno

    def source(self, node: ast.stmt) -> str:
        """Return a statement's lines."""
        first, last = self.block(node)
        return "".join(self.lines[first - 1 : last]).rstrip("\n")


def _held(node: ast.expr) -> int:
    """Return how many operations the element is to the linter."""
    if not isinstance(node, ast.Call):
        return 1
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if name != "SeparateDatabaseAndState":
        return 1
    values = [*node.args, *(keyword.value for keyword in node.keywords)]
    if not all(isinstance(value, ast.List) for value in values):
        raise UnreadableMigration("SeparateDatabaseAndState takes more than plain lists")
    return sum(len(value.elts) for value in values if isinstance(value, ast.List))


def _assigned(node: ast.stmt) -> set[str]:
    targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def defined(node: ast.stmt) -> set[str]:
    """Return the names a top-level statement binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    return _assigned(node)


def used(code: str) -> set[str]:
    """Return the names that source (statements, or elements of a list) reads."""
    text = textwrap.dedent(code)
    try:
        tree: ast.AST = ast.parse(text)
    except SyntaxError:
        tree = ast.parse(f"[\n{code}\n]")
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def needed(file: MigrationFile, names: set[str]) -> list[ast.stmt]:
    """Return the top-level statements that bind the names, directly or for others of them."""
    names, found = set(names), set[int]()
    others = [n for n in file.tree.body if n is not file.owner]
    while True:
        fresh = [
            (number, node)
            for number, node in enumerate(others)
            if number not in found and defined(node) & names
        ]
        if not fresh:
            return [others[number] for number in sorted(found)]
        for number, node in fresh:
            found.add(number)
            if not isinstance(node, ast.Import | ast.ImportFrom):
                names |= used(file.source(node))


# `AddIndexConcurrently(` and `timezone.` name what is imported; `django.` has its modules below.
BY_ROOT = {
    re.split(r"[.(]", name)[0]: line
    for name, line in IMPORTS.items()
    if not name.startswith("django.")
}


def new_imports(
    code: str, bound: set[str], is_module: Callable[[str], bool] = sys.modules.__contains__
) -> set[str]:
    """Return the import lines for names the code uses and the file does not bind."""
    found = set()
    for root in used(code) - bound:
        if root in BY_ROOT:
            found.add(BY_ROOT[root])
            continue
        for path in re.findall(rf"(?<![\w.'\"]){root}(?:\.\w+)+", code):
            parts = path.split(".")
            prefixes = (".".join(parts[:n]) for n in range(len(parts) - 1, 0, -1))
            found |= {f"import {name}" for name in list(filter(is_module, prefixes))[:1]}
    return found


@dataclass(frozen=True, slots=True)
class Header:
    """What a migration of its own says of itself."""

    atomic: bool = True
    phase: str | None = None
    irreversible: str = ""

    def lines(self) -> list[str]:
        """Return its class attributes."""
        found = [] if self.atomic else ["    atomic = False\n"]
        if self.phase:
            found.append(f'    policy_phase = "{self.phase}"\n')
        if self.irreversible:
            found.append(f'    policy_irreversible = "{self.irreversible}"\n')
        return found


def changed(file: MigrationFile, elements: str, header: Header) -> str:
    """Return the file with other operations; what is no longer used goes, all else stays."""
    edits = [_operations_edit(file, elements, header)]
    for node in file.owner.body:
        names = _assigned(node)
        kept = names == {"policy_irreversible"} and not header.irreversible
        if names & (SET_HERE - {"operations"}) and not kept:
            edits.append((node.lineno, node.end_lineno or node.lineno, ""))
    own = _class_names(file, SET_HERE)
    now = own | used(elements)
    was = needed(file, own | used("".join(element.text for element in file.elements)))
    wanted = needed(file, now)
    kept_nodes = [
        n for n in file.tree.body if n is not file.owner and (n in wanted or n not in was)
    ]
    bound = set[str]().union(*map(defined, kept_nodes))
    fresh = new_imports(elements, bound)
    for node in was:
        if _is_django_db(node):
            names = {*(defined(node) & now), "migrations"} | ({"models"} & (now - bound))
            fresh.discard(IMPORTS["models."])
            if names != defined(node):
                edits.append((*file.block(node), _django_db(names)))
        elif node not in wanted:
            edits.append((*file.block(node), ""))
    if fresh:
        edits.append(_after_imports(file, merged_imports(fresh)))
    return _applied(file.lines, edits)


def _operations_edit(file: MigrationFile, elements: str, header: Header) -> tuple[int, int, str]:
    value = file.assignment.value
    assert isinstance(value, ast.List)
    first, last = file.assignment.lineno, file.assignment.end_lineno or 0
    before = file.lines[first - 1].encode()[: value.col_offset + 1].decode()
    after = file.lines[last - 1].encode()[value.end_col_offset or 0 :].decode()
    return first, last, f"{''.join(header.lines())}{before}\n{elements}{file.tail}    ]{after}"


def _class_names(file: MigrationFile, without: set[str]) -> set[str]:
    """Return the names that the class uses outside some attributes."""
    kept = [file.source(n) for n in file.owner.body if not _assigned(n) & without]
    bases = {
        node.id for b in file.owner.bases for node in ast.walk(b) if isinstance(node, ast.Name)
    }
    return bases.union(*map(used, kept))


def _is_django_db(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "django.db"
        and node.lineno == node.end_lineno
        and not any(alias.asname for alias in node.names)
    )


def _django_db(names: set[str]) -> str:
    return f"from django.db import {', '.join(sorted(names))}\n"


def _after_imports(file: MigrationFile, fresh: list[str]) -> tuple[int, int, str]:
    imports = [n for n in file.tree.body if isinstance(n, ast.Import | ast.ImportFrom)]
    line = imports[-1].end_lineno or 0 if imports else 0
    return line + 1, line, "".join(f"{text}\n" for text in fresh)


def _applied(lines: list[str], edits: Iterable[tuple[int, int, str]]) -> str:
    """Return the lines with edits made, from the last to the first."""
    result = list(lines)
    for first, last, text in sorted(edits, reverse=True):
        result[first - 1 : last] = [text]
        if not text and first > 1:  # the empty lines that stood around a definition that is gone
            while (
                len(result) > first - 1
                and not result[first - 1].strip()
                and first > 2
                and (not result[first - 2].strip())
            ):
                del result[first - 1]
    return "".join(result)


def separate(file: MigrationFile, elements: str, header: Header, parent: tuple[str, str]) -> str:
    """Return a file of its own for these operations, after migration `parent`."""
    gone = SET_HERE | ATTRIBUTES_OF_THE_FIRST
    nodes = needed(file, used(elements) | _class_names(file, gone))
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    code = "\n\n\n".join(file.source(n) for n in nodes if n not in imports)
    names = used(elements) | used(code) | {"migrations"}
    plain = {"from django.db import " + ", ".join(sorted(names & {"migrations", "models"}))}
    plain |= {file.source(n) for n in imports if not _is_django_db(n)}
    bound = {"migrations", "models"}.union(*map(defined, nodes))
    head = "\n".join(merged_imports(plain | new_imports(elements, bound)))
    own = f'    dependencies = [("{parent[0]}", "{parent[1]}")]\n'
    kept = [
        f"{file.source(n)}\n"
        for n in file.owner.body
        if not _assigned(n) & gone and not isinstance(n, ast.Expr)
    ]
    body = "".join([own, *kept, *header.lines()])
    last = f"class Migration(migrations.Migration):\n{body}\n    operations = [\n{elements}    ]\n"
    return "\n\n\n".join(piece for piece in (head, code, last) if piece)

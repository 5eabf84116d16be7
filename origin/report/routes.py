"""The project's two-pass routes as rows."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..conf import Settings
from ..manifest import MarkedView, marked_views
from .templates import Hole, holes_of

_RENDERERS: Final = frozenset({"render", "render_to_string", "TemplateResponse", "get_template"})


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route. `max_age` in seconds; `query` None: all parameters but the ignorable ones."""

    pattern: str
    view: str
    max_age: float
    dimensions: tuple[str, ...]
    query: tuple[str, ...] | None
    has_gate: bool
    templates: tuple[str, ...]
    holes: tuple[Hole, ...]

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "pattern": self.pattern,
            "view": self.view,
            "max_age": self.max_age,
            "dimensions": list(self.dimensions),
            "query": None if self.query is None else list(self.query),
            "gate": self.has_gate,
            "templates": list(self.templates),
            "holes": [hole.to_json() for hole in self.holes],
        }


def rows(conf: Settings) -> list[RouteRow]:
    """Every two-pass route of ROOT_URLCONF."""
    return [_row(found, conf) for found in marked_views()]


def as_table(found: list[RouteRow]) -> str:
    """For people."""
    if not found:
        return "No view is marked with @two_pass."
    lines: list[str] = []
    for row in found:
        query = "all" if row.query is None else ",".join(row.query) or "none"
        lines.append(f"/{row.pattern}")
        lines.append(f"    view        {row.view}")
        lines.append(f"    max_age     {row.max_age:g} s")
        lines.append(f"    dimensions  {', '.join(row.dimensions) or 'none'}")
        lines.append(f"    query       {query}")
        lines.append(f"    gate        {'yes' if row.has_gate else 'no'}")
        lines.append(f"    templates   {', '.join(row.templates) or 'not known'}")
        lines += [f"    hole        {_describe(hole)}" for hole in row.holes]
    return "\n".join(lines)


def _describe(hole: Hole) -> str:
    text = f"{hole.kind} {hole.name} ({hole.template})"
    options = hole.options
    if options is None:
        return f"{text}: NOBODY REGISTERS IT"
    parts: list[str] = [options.scope]
    if options.max_age is not None:
        parts.append(f"max_age {options.max_age:g} s")
    if options.when_cookies:
        parts.append(f"only with cookie {' or '.join(options.when_cookies)}")
    if options.writes:
        parts.append("writes")
    return f"{text}: {', '.join(parts)}"


def _row(found: MarkedView, conf: Settings) -> RouteRow:
    page = found.page
    templates = tuple(dict.fromkeys(templates_of(found.view)))
    holes = dict.fromkeys(hole for name in templates for hole in holes_of(name))
    return RouteRow(
        pattern=found.pattern,
        view=_name_of(found.view),
        max_age=conf.max_age if page.max_age is None else page.max_age,
        dimensions=page.dimensions,
        query=page.query,
        has_gate=page.gate is not None,
        templates=templates,
        holes=tuple(holes),
    )


def templates_of(view: Callable[..., Any]) -> Iterator[str]:
    """The templates that a view names: a class in its attributes, a function in its text.

    What is computed is not found.
    """
    kind = getattr(view, "view_class", None)
    if kind is None:
        yield from _named_in(inspect.unwrap(view))
        return
    if isinstance(getattr(kind, "template_name", None), str):
        yield kind.template_name
    elif getattr(kind, "model", None) is not None and hasattr(kind, "template_name_suffix"):
        meta = kind.model._meta
        yield f"{meta.app_label}/{meta.model_name}{kind.template_name_suffix}.html"
    else:
        for name in ("get", "get_template_names", "render_to_response"):
            if name in vars(kind):
                yield from _named_in(inspect.unwrap(vars(kind)[name]))


def _named_in(function: Callable[..., Any]) -> Iterator[str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and _called(call) in _RENDERERS:
            for argument in (*call.args, *(keyword.value for keyword in call.keywords)):
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
                    break


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _name_of(view: Callable[..., Any]) -> str:
    kind = getattr(view, "view_class", None) or inspect.unwrap(view)
    return f"{kind.__module__}.{getattr(kind, '__qualname__', type(kind).__qualname__)}"

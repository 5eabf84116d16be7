"""`@fragment`: renderers by name, with what the edge must know of each before it asks."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from fragments.shell import Scope

Rendered: TypeAlias = "str | HttpResponse"
Renderer: TypeAlias = Callable[..., "Rendered | Awaitable[Rendered]"]
Groups: TypeAlias = "Iterable[str] | Callable[..., Iterable[str]]"
"""Names (with `{argument}` placeholders), or a function of request and arguments."""

F = TypeVar("F", bound=Callable[..., Any])


class UnknownFragment(LookupError):
    """No renderer has this name."""


@dataclass(frozen=True, slots=True)
class FragmentOptions:
    """How a fragment may be kept, and what it costs.

    Durations are seconds; None means the project's default. `when_cookies`: a visitor who has none
    of these cookies gets nothing, at no cost. `cookies`, `dimensions`: part of the fragment's key.
    `writes`: it may write the session or set cookies, so it is rendered before the head.
    `alt`: the fragment (same arguments) to try when this one fails; `placeholder`: HTML when all
    else fails. `concurrent`: may run on a thread of its own, with database connections of its own.
    """

    scope: Scope = "private"
    max_age: float | None = None
    stale_while_revalidate: float = 0.0
    stale_if_error: float = 0.0
    groups: Groups = ()
    dimensions: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    when_cookies: tuple[str, ...] = ()
    writes: bool = False
    concurrent: bool = False
    deadline: float | None = None
    alt: str | None = None
    placeholder: str = ""

    def __post_init__(self) -> None:
        if self.scope not in ("public", "private", "no-store"):
            raise ImproperlyConfigured(f"scope {self.scope!r}: 'public', 'private' or 'no-store'")
        if self.writes and self.scope == "public":
            raise ImproperlyConfigured("a fragment that writes cannot be public")
        if self.writes and self.concurrent:
            raise ImproperlyConfigured("a fragment that writes cannot be concurrent")


@dataclass(frozen=True, slots=True)
class Fragment:
    """A registered renderer: `render(request, **arguments)` gives HTML or an HttpResponse."""

    name: str
    render: Renderer
    options: FragmentOptions


_FRAGMENTS: Final[dict[str, Fragment]] = {}


def fragment(
    name: str,
    *,
    when_cookie: str | Iterable[str] = (),
    dimensions: Iterable[str] = (),
    cookies: Iterable[str] = (),
    **options: Any,
) -> Callable[[F], F]:
    """Register the decorated function as the renderer of fragment `name`.

    The keyword arguments are those of `FragmentOptions`; `when_cookie` is one name or several.
    The function may be async. Raises ImproperlyConfigured for a second renderer of that name.

    >>> @fragment("basket", max_age=60, when_cookie="sessionid")
    ... def basket(request):
    ...     return render_to_string("basket.html", {"lines": ...}, request)
    """
    found = FragmentOptions(
        when_cookies=_names(when_cookie),
        dimensions=tuple(dimensions),
        cookies=_names(cookies),
        **options,
    )

    def register(render: F) -> F:
        add(Fragment(name, render, found))
        return render

    return register


def add(found: Fragment) -> None:
    """Register `found`. Raises ImproperlyConfigured where another renderer has its name."""
    known = _FRAGMENTS.get(found.name)
    if known is not None and _where(known.render) != _where(found.render):
        raise ImproperlyConfigured(
            f"fragment {found.name!r} is registered by {_where(known.render)} "
            f"and by {_where(found.render)}"
        )
    _FRAGMENTS[found.name] = found


def find(name: str) -> Fragment:
    """The fragment `name`. Raises UnknownFragment with the nearest name."""
    try:
        return _FRAGMENTS[name]
    except KeyError:
        close = difflib.get_close_matches(name, _FRAGMENTS, 1)
        hint = f"did you mean {close[0]!r}?" if close else "is its module called fragments.py?"
        raise UnknownFragment(f"no fragment is called {name!r}; {hint}") from None


def all_fragments() -> tuple[Fragment, ...]:
    """Every registered fragment, by name."""
    return tuple(_FRAGMENTS[name] for name in sorted(_FRAGMENTS))


def groups_for(
    groups: Groups, request: HttpRequest, arguments: Mapping[str, object]
) -> tuple[str, ...]:
    """The names of `groups` for these arguments. Raises ImproperlyConfigured, naming what is wrong.

    Placeholders are arguments of the fragment, or of the page's URL.
    """
    if callable(groups):
        return tuple(groups(request, **arguments))
    try:
        return tuple(name.format(**arguments) for name in groups)
    except (KeyError, IndexError) as error:
        known = ", ".join(sorted(arguments)) or "none"
        raise ImproperlyConfigured(
            f"groups {list(groups)!r}: there is no argument {error}; there are: {known}"
        ) from error


def _names(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _where(render: Renderer) -> str:
    return f"{render.__module__}.{getattr(render, '__qualname__', render)}"

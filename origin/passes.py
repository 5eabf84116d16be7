"""Which pass a request is in: `request.two_pass`, and the same for code that has no request.

Whatever the pass, tags emit markers and the middleware fills them afterwards, so that a
`{% cache %}` block or a data cache may hold a marker but never one visitor's bytes. Only outside
any request (an e-mail, a job) there is nobody to fill them: `current()` is None there.
"""

from __future__ import annotations

import contextlib
import enum
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, cast

from django.conf import settings as django_settings
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from fragments.include import Include, marker

from .conf import get_settings
from .registry import Groups


class Pass(enum.Enum):
    """What the middleware is doing with a request."""

    PLAIN = "plain"
    """The visitor's own request, for a view that is not (known to be) two-pass."""
    FIRST = "first"
    """Render the page for nobody."""
    SECOND = "second"
    """Render fragments for one visitor, in the page's place."""
    SINGLE = "single"
    """Render the page for one visitor and fill its markers at once (two-pass off, or a pass)."""


Gate = Callable[[HttpRequest], "HttpResponse | None"]
"""Says None (the visitor may see the page) or the response that overrules it."""


@dataclass(frozen=True, slots=True, eq=False)
class PageOptions:
    """What `@two_pass` declares of a page. Durations in seconds, None: the project's default.

    `query`: the only parameters that the view reads; None: all but the ignorable ones.
    """

    max_age: float | None = None
    stale_while_revalidate: float | None = None
    stale_if_error: float | None = None
    dimensions: tuple[str, ...] = ()
    query: tuple[str, ...] | None = None
    groups: Groups = ()
    gate: Gate | None = None


@dataclass(slots=True, eq=False)
class TwoPass:
    """The state of one request: which pass, which page, and what was found out on the way."""

    kind: Pass
    page: PageOptions | None = None
    """What the view declared, once it is known."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Dimension values that the page or fragment may go by."""
    groups: dict[str, None] = field(default_factory=dict)
    work: Any = None
    """What the middleware wants of the view's wrapper: the bundle of a second pass."""
    wrong_guess: bool = False
    """The stack ran in a pass that does not fit the view: run it again."""
    reason: str | None = None
    """Why the page cannot become a shell."""
    violation: Exception | None = None
    filled: bool = False
    """Something of this visitor's was put into the page, or would be of another's."""
    csrf_used: bool = False
    """A token was made, so the visitor must have the cookie even if no token is in the page."""
    context_changed: bool = False
    """What the account decides of pages is to be asked for again (origin.context)."""
    nonce: bytes = field(default_factory=lambda: secrets.token_urlsafe(16).encode())
    """The nonce of this response, should it need one."""
    entered: bool = False
    """The view's wrapper is at work: a second wrapper inside it only calls through."""
    max_age: float | None = None
    """The shortest time that what is shown stays fresh, in seconds (origin.datacache)."""
    data: Any = None
    """What the data caches keep for as long as this pass."""
    holes: dict[str, object] = field(default_factory=dict)
    """Scratch space of automatic holes (origin.holes)."""

    def add_groups(self, *names: str) -> None:
        """Say that the page (or the fragment being rendered) shows data of these groups."""
        self.groups.update((name, None) for name in names)

    def limit_age(self, seconds: float | None) -> None:
        """Say that what the page shows stays fresh for so long only; the strictest counts."""
        if seconds is not None and (self.max_age is None or seconds < self.max_age):
            self.max_age = seconds

    def fits(self, page: PageOptions | None, *, is_safe: bool) -> bool:
        """Whether this pass is the right one for the view, whose mark is now known for certain.

        If not, the middleware is to run the stack once more for `page`.
        """
        if self.kind is Pass.FIRST and self.page is not page:
            self.wrong_guess, self.page = True, page
            return False
        if self.kind is Pass.PLAIN and page is not None:
            self.page = page
            self.wrong_guess = is_safe
            self.kind = Pass.PLAIN if is_safe else Pass.SINGLE
            return not is_safe
        self.page = page
        return True

    def give_up(self, reason: str) -> None:
        """Say that this page must be passed; the first reason counts."""
        self.reason = self.reason or reason


_current: ContextVar[TwoPass | None] = ContextVar("twopass_current", default=None)


def current() -> TwoPass | None:
    """The state of the request being answered; None outside a request of our middleware."""
    return _current.get()


def of(request: HttpRequest) -> TwoPass | None:
    """The state of `request`; None when it did not come through our middleware."""
    return cast("TwoPass | None", getattr(request, "two_pass", None))


@contextlib.contextmanager
def entered(state: TwoPass) -> Iterator[TwoPass]:
    """Make `state` the current one."""
    token = _current.set(state)
    try:
        yield state
    finally:
        _current.reset(token)


LANGUAGE_ARGUMENT: Final = "_lang"
"""Arguments carry the page's language: /en/ and /de/ hold the same tag, but not the same text."""


def emit(include: Include) -> SafeString:
    """The marker for `include`, to be put into rendered text; nothing need escape it.

    Raises WireError `size` for arguments that are too long.
    """
    language = get_language() if django_settings.USE_I18N else None
    if language is not None and include.kind != "nonce":
        args = {**dict(include.args), LANGUAGE_ARGUMENT: language}
        include = Include.of(include.kind, include.name, args)
    # made of letters, digits and [:.-_] and signed: escaping could not change it
    return mark_safe(marker(include.token(get_settings().keyring)))  # noqa: S308


def nonce() -> SafeString:
    """A marker for the nonce of this response: the same value in headers and in the body."""
    return emit(Include.of("nonce", "nonce", {}))


def add_groups(request: HttpRequest, names: Iterable[str]) -> None:
    """Add cache groups to the page or fragment that `request` renders; without effect elsewhere."""
    state = of(request)
    if state is not None:
        state.add_groups(*names)

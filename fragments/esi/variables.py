"""ESI variables: what they are called, what they may show, and how their values are written.

A value comes from the visitor. Where it is put decides how it is escaped: as HTML text in a page,
percent-encoded in a URL, so that a value can neither open a tag nor leave its part of the URL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from urllib.parse import quote, unquote_plus

# $(NAME), $(NAME{key}), each with |default; key and default bare or in single quotes.
_REFERENCE = re.compile(
    r"\$\((?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"(?:\{(?:'(?P<quoted_key>[^'{}]*)'|(?P<key>[^'{}()|]*))\})?"
    r"(?:\|(?:'(?P<quoted_default>[^']*)'|(?P<default>[^'()|\s]*)))?\)"
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A reference to a variable; `default` stands in where it is undefined or empty."""

    name: str
    key: str | None = None
    default: str | None = None


def match_variable(text: str, position: int) -> tuple[Variable, int] | None:
    """The variable that starts there, and where it ends."""
    match = _REFERENCE.match(text, position)
    if match is None:
        return None
    return _variable(match), match.end()


def _variable(match: re.Match[str]) -> Variable:
    quoted_key, quoted_default = match["quoted_key"], match["quoted_default"]
    return Variable(
        match["name"],
        match["key"] if quoted_key is None else quoted_key,
        match["default"] if quoted_default is None else quoted_default,
    )


Template = tuple["str | Variable", ...]


def parse_template(text: str) -> Template:
    """Text with its variables picked out; what is no variable (`$(`, `$x`) stays text."""
    pieces: list[str | Variable] = []
    position = 0
    for match in _REFERENCE.finditer(text):
        if match.start() > position:
            pieces.append(text[position : match.start()])
        pieces.append(_variable(match))
        position = match.end()
    if position < len(text):
        pieces.append(text[position:])
    return tuple(pieces)


# Never shown, however they are asked for: credentials, and what the edge says to the origin.
_SECRET = frozenset({"authorization", "proxy-authorization"})
_INTERNAL = ("surrogate-", "twopass-", "x-twopass-", "x-forwarded-", "forwarded")


@dataclass(frozen=True)
class RequestView:
    """What variables may see of a request.

    `headers` are lower-case names with values; `target` is path and query. Only cookies named in
    `cookies` are visible, all with "*": a page must not be able to show a session cookie to its
    own scripts (bad input 11).
    """

    method: str
    scheme: str
    host: str
    target: str
    headers: Sequence[tuple[str, str]] = ()
    cookies: frozenset[str] = frozenset()
    _memo: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def url(self) -> str:
        """The absolute URL of the page."""
        return f"{self.scheme}://{self.host}{self.target}"

    def value(self, variable: Variable) -> str:
        """The variable's value, its default where that is empty, else ""."""
        found = self.lookup(variable.name, variable.key)
        return found if found or variable.default is None else variable.default

    def lookup(self, name: str, key: str | None) -> str:
        """The value under that name, "" when there is none; HTTP_* are header fields."""
        match name:
            case "HTTP_COOKIE":
                return self._visible_cookies(key)
            case "QUERY_STRING":
                query = self.target.partition("?")[2]
                return query if key is None else self._query.get(key, "")
            case "HTTP_ACCEPT_LANGUAGE" if key is not None:
                return "true" if key.lower() in self._languages else ""
            case "HTTP_USER_AGENT" if key is not None:
                return user_agent(self._header("user-agent")).get(key, "")
            case "HTTP_HOST":
                return self.host if key is None else ""
            case _:
                return self._plain(name) if key is None else ""

    def _plain(self, name: str) -> str:
        if name.startswith("HTTP_"):
            field_name = name[5:].lower().replace("_", "-")
            hidden = field_name in _SECRET or field_name.startswith(_INTERNAL)
            return "" if hidden else self._header(field_name)
        match name:
            case "REQUEST_METHOD":
                return self.method
            case "REQUEST_SCHEME":
                return self.scheme
            case "REQUEST_PATH":
                return self.target.partition("?")[0]
            case "REQUEST_URI":
                return self.target
            case _:
                return ""

    def _header(self, name: str) -> str:
        if name not in self._memo:
            joiner = "; " if name == "cookie" else ", "
            self._memo[name] = joiner.join(value for field, value in self.headers if field == name)
        return self._memo[name]

    def _visible_cookies(self, key: str | None) -> str:
        if key is not None:
            return self._cookies.get(key, "")
        return "; ".join(f"{name}={value}" for name, value in self._cookies.items())

    @cached_property
    def _cookies(self) -> dict[str, str]:
        visible: dict[str, str] = {}
        for pair in self._header("cookie").split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals and ("*" in self.cookies or name in self.cookies):
                visible.setdefault(name, value)
        return visible

    @cached_property
    def _query(self) -> dict[str, str]:
        query: dict[str, str] = {}
        for pair in self.target.partition("?")[2].split("&"):
            name, _, value = pair.partition("=")
            decoded = unquote_plus(name, errors="surrogateescape")
            query.setdefault(decoded, unquote_plus(value, errors="surrogateescape"))
        return query

    @cached_property
    def _languages(self) -> frozenset[str]:
        listed = self._header("accept-language").lower().split(",")
        return frozenset(part.partition(";")[0].strip() for part in listed)


_BROWSERS = (("MSIE", "MSIE"), ("Trident", "MSIE"), ("Mozilla", "MOZILLA"))
_SYSTEMS = (("Windows", "WIN"), ("Mac", "MAC"), ("Linux", "UNIX"), ("X11", "UNIX"))


def user_agent(text: str) -> dict[str, str]:
    """The three keys of HTTP_USER_AGENT (ESI 1.0 §4.1): browser, version, os."""
    signs = (r"MSIE ([0-9.]+)", r"Trident.*rv:([0-9.]+)", r"Mozilla/([0-9.]+)")
    version = next((found for sign in signs if (found := re.search(sign, text))), None)
    return {
        "browser": next((name for sign, name in _BROWSERS if sign in text), "OTHER"),
        "version": version[1] if version else "",
        "os": next((name for sign, name in _SYSTEMS if sign in text), "OTHER"),
    }


def render_text(template: Template, request: RequestView) -> str:
    """The template for HTML: values escaped, the document's own text and defaults not."""
    return "".join(_pieces(template, request, lambda value, _: escape(value)))


def render_url(template: Template, request: RequestView) -> str:
    """The template for a URL: each value percent-encoded to stay within its part of it."""
    return "".join(_pieces(template, request, _in_url))


# What a whole query, path or host may hold without ceasing to be one; other values are parts.
_KEPT = {
    "QUERY_STRING": "/?:@!$&'()*+,;=%-._~",
    "REQUEST_URI": "/?:@!$&'()*+,;=%-._~",
    "REQUEST_PATH": "/:@!$&'()*+,;=%-._~",
    "HTTP_HOST": ":[]",
}


def _in_url(value: str, variable: Variable) -> str:
    kept = _KEPT.get(variable.name, "") if variable.key is None else ""
    return quote(value, safe=kept, errors="surrogateescape")


_Encoder = Callable[[str, Variable], str]


def _pieces(template: Template, request: RequestView, encode: _Encoder) -> Iterator[str]:
    for piece in template:
        if isinstance(piece, str):
            yield piece
            continue
        value = request.lookup(piece.name, piece.key)
        yield encode(value, piece) if value else piece.default or ""

"""Cache directives: Cache-Control, targeted fields, Surrogate-Control, Pragma.

RFC 9111 §4.2.1 lets a cache take the first of several conflicting values or call the response
stale, and asks for the stricter reading of what does not parse: here a freshness directive that is
malformed or contradicts itself counts as 0, and a prohibition counts even when it is misspelt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge.core.messages import Headers, combined, list_members, values
from edge.core.structured import Member, parse_dictionary

# RFC 9111 §1.2.2: what overflows becomes 2^31.
MAX_DELTA = 2147483648.0

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DIGITS = re.compile(rb"[0-9]+")
# One list member: anything but a comma, where a quoted-string may hold commas. A quote that is
# never closed is an ordinary byte, so that it cannot hide the `no-store` after it.
_MEMBER = re.compile(rb'(?:"(?:[^"\\]|\\.)*"|[^,])+')


@dataclass(frozen=True, slots=True)
class ResponseDirectives:
    """What a response says about its caching. Durations are seconds; None: not said."""

    no_store: bool = False
    no_cache: bool = False
    no_cache_fields: frozenset[bytes] = frozenset()
    private: bool = False
    private_fields: frozenset[bytes] = frozenset()
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    no_transform: bool = False
    max_age: float | None = None
    s_maxage: float | None = None
    stale_while_revalidate: float | None = None
    stale_if_error: float | None = None


@dataclass(frozen=True, slots=True)
class RequestDirectives:
    """What a request asks of caches (RFC 9111 §5.2.1; advisory). Durations are seconds."""

    no_store: bool = False
    no_cache: bool = False
    only_if_cached: bool = False
    max_age: float | None = None
    max_stale: float | None = None
    min_fresh: float | None = None
    stale_if_error: float | None = None


@dataclass(frozen=True, slots=True)
class Directive:
    """One member of a directive list; `argument` is None without "=" and bytes as sent with it."""

    name: bytes
    argument: bytes | None = None
    is_quoted: bool = False
    is_spaced: bool = False


NO_REQUEST_DIRECTIVES = RequestDirectives()


def parse_list(value: bytes) -> Iterator[Directive]:
    """The directives of a Cache-Control value: names in lower case, quoting undone.

    cache-directive = token [ "=" ( token / quoted-string ) ]     (RFC 9111 §5.2)
    """
    for match in _MEMBER.finditer(value):
        member = match.group().strip(b" \t")
        if not member:
            continue
        name, equals, argument = member.partition(b"=")
        if not equals:
            yield Directive(member.lower())
            continue
        bare_name, bare_argument = name.strip(b" \t"), argument.strip(b" \t")
        quoted = len(bare_argument) > 1 and bare_argument[:1] == bare_argument[-1:] == b'"'
        if quoted:
            bare_argument = re.sub(rb"\\(.)", rb"\1", bare_argument[1:-1], flags=re.DOTALL)
        # `max-age =1` is no directive by the grammar; the name is read all the same, so that the
        # reader of a duration can call it malformed instead of not seeing it.
        spaced = bare_name != name or (not quoted and bare_argument != argument)
        yield Directive(bare_name.lower(), bare_argument, quoted, spaced)


def delta_seconds(directives: Sequence[Directive], name: bytes) -> float | None:
    """The duration that directive states; 0 when malformed or contradictory; None when absent."""
    stated: set[float] = set()
    for directive in directives:
        if directive.name == name:
            stated.add(0.0 if directive.is_spaced else _delta(directive.argument))
    if not stated:
        return None
    return stated.pop() if len(stated) == 1 else 0.0


def _delta(argument: bytes | None) -> float:
    if argument is None or not _DIGITS.fullmatch(argument):
        return 0.0
    # Fifteen digits are far beyond 2^31; longer runs are not worth converting.
    return MAX_DELTA if len(argument) > 15 else min(float(argument), MAX_DELTA)


def _field_list(directives: Sequence[Directive], name: bytes) -> tuple[bool, frozenset[bytes]]:
    """Whether the directive stands without a (readable) list, and the fields its lists name."""
    unqualified, fields = False, set[bytes]()
    for directive in directives:
        if directive.name != name:
            continue
        named = list_members(directive.argument or b"") if directive.is_quoted else []
        if named and all(_TOKEN.fullmatch(field) for field in named):
            fields.update(field.lower() for field in named)
        else:
            unqualified = True
    return unqualified, frozenset(fields)


def response_directives(value: bytes | None) -> ResponseDirectives:
    """Read a Cache-Control response value. Unknown directives do no harm."""
    if not value:
        return ResponseDirectives()
    return _from_members(tuple(parse_list(value)))


def _from_members(members: Sequence[Directive]) -> ResponseDirectives:
    names = {directive.name for directive in members}
    no_cache, no_cache_fields = _field_list(members, b"no-cache")
    private, private_fields = _field_list(members, b"private")
    return ResponseDirectives(
        no_store=b"no-store" in names,
        no_cache=no_cache,
        no_cache_fields=no_cache_fields,
        private=private,
        private_fields=private_fields,
        public=b"public" in names,
        must_revalidate=b"must-revalidate" in names,
        proxy_revalidate=b"proxy-revalidate" in names,
        must_understand=b"must-understand" in names,
        no_transform=b"no-transform" in names,
        max_age=delta_seconds(members, b"max-age"),
        s_maxage=delta_seconds(members, b"s-maxage"),
        stale_while_revalidate=delta_seconds(members, b"stale-while-revalidate"),
        stale_if_error=delta_seconds(members, b"stale-if-error"),
    )


def request_directives(headers: Headers) -> RequestDirectives:
    """What the request's Cache-Control asks; Pragma: no-cache only where there is none (§5.4)."""
    value = combined(headers, b"cache-control")
    if value is None:
        pragma = combined(headers, b"pragma")
        if pragma and any(directive.name == b"no-cache" for directive in parse_list(pragma)):
            return RequestDirectives(no_cache=True)
        return NO_REQUEST_DIRECTIVES
    members = tuple(parse_list(value))
    names = {directive.name for directive in members}
    max_stale = delta_seconds(members, b"max-stale")
    if any(d.name == b"max-stale" and d.argument is None for d in members):
        max_stale = MAX_DELTA  # §5.2.1.2: without a value, any staleness is fine
    return RequestDirectives(
        no_store=b"no-store" in names,
        no_cache=b"no-cache" in names,
        only_if_cached=b"only-if-cached" in names,
        max_age=delta_seconds(members, b"max-age"),
        max_stale=max_stale,
        min_fresh=delta_seconds(members, b"min-fresh"),
        stale_if_error=delta_seconds(members, b"stale-if-error"),
    )


def targeted_directives(headers: Headers, name: bytes) -> ResponseDirectives | None:
    """Read a targeted field such as CDN-Cache-Control (RFC 9213 §2.1), a Dictionary.

    None when the field is absent, empty, or does not parse: it then counts as not sent.
    """
    value = combined(headers, name)
    members = parse_dictionary(value) if value else None
    if not members:
        return None
    return _from_members([_as_directive(key, member) for key, member in members.items()])


def _as_directive(key: str, member: Member) -> Directive:
    """Map a Structured Fields member onto the classic form (RFC 9213 §2.1's inferred types)."""
    name, bare = key.encode(), member.value
    if bare is True:
        return Directive(name)
    if bare is False:
        return Directive(b"")  # `no-store=?0` says that it does not apply
    if isinstance(bare, int):
        return Directive(name, b"%d" % bare)
    # A String can be a field list; as a duration it has the wrong type, like anything else.
    text = member.string
    return Directive(name, (text or "").encode(), is_quoted=text is not None, is_spaced=True)


_PARAMETER = re.compile(rb'(?:"[^"]*"|[^;])+')


@dataclass(frozen=True, slots=True)
class SurrogateControl:
    """Surrogate-Control as it applies to this surrogate (Edge Architecture, 2001).

    `max_age` and `extension` are the two numbers of `max-age=n+m`: fresh for n seconds, then
    allowed to be served stale for m more. `content` holds capability tokens such as "ESI/1.0".
    """

    no_store: bool = False
    max_age: float | None = None
    extension: float = 0.0
    content: tuple[str, ...] = ()

    @property
    def controls_caching(self) -> bool:
        """Whether the field says anything about storing, so that it overrules Cache-Control."""
        return self.no_store or self.max_age is not None

    def as_directives(self) -> ResponseDirectives:
        """The same wishes in the words of Cache-Control."""
        return ResponseDirectives(
            no_store=self.no_store,
            max_age=self.max_age,
            stale_while_revalidate=self.extension,
            stale_if_error=self.extension,
        )


def surrogate_control(headers: Headers, surrogate: bytes) -> SurrogateControl | None:
    """Read Surrogate-Control for the surrogate of that name; None when it is not there.

    A directive with a `;name` parameter counts for that surrogate alone and beats untargeted ones.
    """
    lines = values(headers, b"surrogate-control")
    if not lines:
        return None
    general: list[Directive] = []
    targeted: list[Directive] = []
    for match in _MEMBER.finditer(b",".join(lines)):
        text, parameters = _split_parameters(match.group())
        aim = targeted if parameters else general
        if parameters and surrogate.lower() not in parameters:
            continue
        aim.extend(parse_list(text))
    return _merge_surrogate(general, targeted)


def _split_parameters(member: bytes) -> tuple[bytes, list[bytes]]:
    """The directive, and its `;name` parameters in lower case."""
    parts = [part.strip(b" \t") for part in _PARAMETER.findall(member)]
    directive = parts[0] if parts and not member.lstrip(b" \t").startswith(b";") else b""
    return directive, [part.lower() for part in (parts[1:] if directive else parts)]


def _merge_surrogate(general: list[Directive], targeted: list[Directive]) -> SurrogateControl:
    own = {directive.name for directive in targeted}
    members = targeted + [directive for directive in general if directive.name not in own]
    max_age, extension = None, 0.0
    content: list[str] = []
    for directive in members:
        if directive.name == b"max-age":
            base, _, extra = (directive.argument or b"").partition(b"+")
            max_age, extension = _delta(base), _delta(extra) if extra else 0.0
        elif directive.name == b"content" and directive.argument is not None:
            content.extend(directive.argument.decode("latin-1").split())
    return SurrogateControl(
        no_store=any(directive.name == b"no-store" for directive in members),
        max_age=max_age,
        extension=extension,
        content=tuple(content),
    )

"""Dimensions: what a shell may differ by, each reduced to a closed set of values with a default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from .codec import Fields, pack, unpack
from .errors import WireError
from .signing import Keyring, from_text, to_text

Source = Literal["cookie", "header", "language", "bucket", "context"]
"""Where the value is read: a cookie; a request header; a cookie, then Accept-Language;
a cookie that the edge draws by `weights`; the context cookie that the origin signs."""

CONTEXT_COOKIE: Final = "twopass_context"
MAX_VALUES: Final = 64

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}\Z")
_RANGE: Final = re.compile(r"\s*([A-Za-z0-9*-]{1,35})\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?\Z")
_ESCAPE: Final = re.compile(r"\\(?:([0-3][0-7]{2})|(.))")


@dataclass(frozen=True, slots=True)
class Dimension:
    """One thing a page may differ by.

    `field` is the cookie's or header's name (of `context`: the key in the signed cookie). `matches`
    (source `header`) are (text, value) pairs: the first whose text the header contains decides.
    Raises ValueError when the definition is not usable.
    """

    name: str
    source: Source
    field: str
    values: tuple[str, ...]
    default: str
    weights: tuple[int, ...] = ()
    matches: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise ValueError(f"dimension name {self.name!r}: lower-case letters, digits and _ only")
        if self.source not in get_args(Source):
            raise ValueError(f"dimension {self.name!r}: unknown source {self.source!r}")
        if not 0 < len(self.values) <= MAX_VALUES or len(set(self.values)) != len(self.values):
            raise ValueError(f"dimension {self.name!r}: 1 to {MAX_VALUES} different values")
        if self.default not in self.values:
            raise ValueError(f"dimension {self.name!r}: default {self.default!r} is not a value")
        if (self.source == "bucket") != bool(self.weights):
            raise ValueError(f"dimension {self.name!r}: weights are for source 'bucket' only")
        if self.weights and (
            len(self.weights) != len(self.values) or sum(self.weights) <= 0 or min(self.weights) < 0
        ):
            raise ValueError(f"dimension {self.name!r}: one weight of zero or more for each value")
        if any(value not in self.values for _, value in self.matches):
            raise ValueError(f"dimension {self.name!r}: matches lead to undeclared values")

    def reduce(
        self, cookies: Mapping[str, str], headers: Mapping[str, str], context: Mapping[str, str]
    ) -> str | None:
        """The visitor's value; None when a bucket is still to be drawn.

        `headers` has lower-case names; `context` is what `open_context` gave.
        """
        if self.source == "header":
            return self._from_header(headers.get(self.field.lower(), ""))
        if self.source == "context":
            found = context.get(self.field)
        else:
            found = _unquoted(cookies.get(self.field))
        if found in self.values:
            return found
        if self.source == "bucket":
            return None
        if self.source == "language":
            return self._from_languages(headers.get("accept-language", ""))
        return self.default

    def draw(self, fraction: float) -> str:
        """The bucket for a random `fraction` in [0, 1)."""
        point = fraction * sum(self.weights)
        for value, weight in zip(self.values, self.weights, strict=True):
            point -= weight
            if point < 0:
                return value
        return self.default

    def _from_header(self, text: str) -> str:
        if self.matches:
            lowered = text.lower()
            for part, value in self.matches:
                if part.lower() in lowered:
                    return value
        elif text in self.values:
            return text
        return self.default

    def _from_languages(self, accept: str) -> str:
        by_name = {value.lower(): value for value in self.values}
        for tag in _preferred(accept):
            if tag in by_name:
                return by_name[tag]
            if (base := tag.partition("-")[0]) in by_name:
                return by_name[base]
        return self.default

    def to_wire(self) -> dict[str, object]:
        """The form that `from_wire` reads."""
        return {
            "name": self.name,
            "source": self.source,
            "field": self.field,
            "values": list(self.values),
            "default": self.default,
            "weights": list(self.weights),
            "matches": [list(pair) for pair in self.matches],
        }

    @classmethod
    def from_wire(cls, value: object) -> Dimension:
        """Raises WireError."""
        fields = Fields(value, "dimension")
        weights = fields.items("weights")
        if not all(type(weight) is int for weight in weights):
            raise WireError("type", "dimension.weights is not a list of whole numbers")
        try:
            return cls(
                name=fields.get("name", str),
                source=cast(Source, fields.choice("source", get_args(Source))),
                field=fields.get("field", str),
                values=fields.texts("values"),
                default=fields.get("default", str),
                weights=cast("tuple[int, ...]", tuple(weights)),
                matches=fields.pairs("matches"),
            )
        except WireError:
            raise
        except ValueError as error:
            raise WireError("type", str(error)) from error


def seal_context(keyring: Keyring, session_cookie: str, values: Mapping[str, str]) -> str:
    """The context cookie: `values` signed for the bearer of this session cookie only."""
    payload = pack([1, [[key, value] for key, value in sorted(values.items())]])
    signature = keyring.sign("context", session_cookie.encode(), payload)
    return f"{to_text(payload)}.{to_text(signature)}"


def open_context(keyring: Keyring, session_cookie: str, cookie: str) -> dict[str, str]:
    """What the origin signed; empty for a cookie that is forged, foreign or malformed."""
    head, _, tail = cookie.partition(".")
    try:
        payload = from_text(head)
        keyring.verify("context", from_text(tail), session_cookie.encode(), payload)
        value = unpack(payload, 4096)
        if not isinstance(value, list) or len(value) != 2 or value[0] != 1:
            return {}
        return {str(key): str(text) for key, text in value[1]}
    except (WireError, TypeError, ValueError, UnicodeEncodeError):
        return {}


def _unquoted(value: str | None) -> str | None:
    """A cookie's value as it was before Python's `http.cookies` quoted it (blanks, commas)."""
    if value is None or len(value) < 2 or value[0] != '"' or value[-1] != '"':
        return value
    return _ESCAPE.sub(lambda found: found[2] or chr(int(found[1], 8)), value[1:-1])


def _preferred(accept: str) -> list[str]:
    """Tags of an Accept-Language field, best first (RFC 9110 §12.5.4); bad items are skipped."""
    found: list[tuple[float, int, str]] = []
    for position, item in enumerate(accept[:500].split(",")):
        match = _RANGE.match(item)
        if match is None:
            continue
        quality = float(match[2] or 1)
        if 0 < quality <= 1:
            found.append((-quality, position, match[1].lower()))
    return [tag for _, _, tag in sorted(found)]

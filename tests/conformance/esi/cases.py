"""The cases: ESI pages with their fragments and what must come out.

They are texts of other projects and stay outside of this repository; TWOPASS_ESI_CASES names the
file when it is not in `../shared`.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

PROFILES = (
    "core", "choose", "vars", "try", "inline",
    "surrogate", "malformed", "depth", "error", "security",
)  # fmt: skip

_DEFAULT = Path(__file__).resolve().parents[4] / "shared" / "esi-cases.json"
_ESI = 'content="ESI/1.0"'


def cases_file() -> Path:
    """Where the cases are."""
    return Path(os.environ.get("TWOPASS_ESI_CASES") or _DEFAULT)


@dataclass(frozen=True)
class Answer:
    """What the origin says: lower-case header names."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def is_esi(self) -> bool:
        return _ESI in self.headers.get("surrogate-control", "")


@dataclass(frozen=True)
class Case:
    """One case, ready to be played: pages that are ESI say so."""

    id: str
    profile: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    document: Answer
    fragments: dict[str, Answer]
    expected: dict[str, Any]
    is_ambiguous: bool
    notes: str

    @property
    def host(self) -> str:
        named = [value for name, value in self.headers if name == "host"]
        return (named[0] if named else urlsplit(self.url).netloc).lower()

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts that fragments may come from."""
        return frozenset(urlsplit(url).netloc.lower() for url in self.fragments) | {self.host}

    def answer(self, url: str) -> Answer:
        """The origin's answer to an absolute URL; percent-encoding does not matter."""
        asked = unquote(url)
        for key, answer in self.fragments.items():
            known = unquote(key)
            if asked == known or (known.endswith("*") and asked.startswith(known[:-1])):
                return answer
        if asked == unquote(self.url):
            return self.document
        return Answer(404, {"content-type": "text/html"}, "not found")


def _answer(raw: dict[str, Any], *, marks_esi: bool) -> Answer:
    headers = {name.lower(): str(value) for name, value in (raw.get("headers") or {}).items()}
    headers.pop("content-length", None)
    headers.pop("content-encoding", None)
    if marks_esi and "surrogate-control" not in headers:
        headers["surrogate-control"] = _ESI
    return Answer(raw["status"], headers, raw["body"])


def _headers(raw: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for name, value in raw.items():
        pairs.extend(
            (name.lower(), line) for line in (value if isinstance(value, list) else [value])
        )
    return tuple(pairs)


def _case(raw: dict[str, Any]) -> Case:
    profile = raw["profile"]
    return Case(
        id=raw["id"],
        profile=profile,
        method=raw["request"]["method"],
        url=raw["request"]["url"],
        headers=_headers(raw["request"].get("headers") or {}),
        document=_answer(raw["document"], marks_esi=profile != "surrogate"),
        fragments={
            url: _answer(
                answer,
                marks_esi=profile not in ("surrogate", "akamai") and "<esi:" in answer["body"],
            )
            for url, answer in raw["fragments"].items()
        },
        expected=raw["expected"],
        is_ambiguous=raw["ambiguous"],
        notes=raw.get("notes", ""),
    )


def load() -> list[Case]:
    """The cases of the profiles that are ESI 1.0, [] when the file is not there."""
    path = cases_file()
    if not path.exists():
        return []
    raw = json.loads(path.read_text(encoding="utf-8"))
    return [_case(case) for case in raw["cases"] if case["profile"] in PROFILES]

"""The differential leak test: a page rendered for nobody is the same whoever asks.

Two users ask for a page with their own cookies, as visitors of an edge that does not know it yet;
both shells must have the same bytes, and hold nothing that names either of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import transaction
from django.test import Client

from fragments.shell import Shell

from ..conf import Settings
from .asking import Answer, ask

_SHORTEST: Final = 4
"""Characters of what is looked for: shorter ones stand in any page by accident."""
_EXCERPT: Final = 60


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the test says of one URL. `leaks` is empty for a page that is anonymous."""

    url: str
    leaks: tuple[str, ...]
    passed: str = ""
    """Why there were no shells to compare."""

    @property
    def word(self) -> str:
        """One word for it."""
        return "LEAK" if self.leaks else "passed" if self.passed else "anonymous"

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "url": self.url,
            "verdict": self.word,
            "leaks": list(self.leaks),
            "passed": self.passed,
        }


def compare(urls: list[str], users: tuple[Any, Any], conf: Settings) -> list[Verdict]:
    """The verdict for each URL. Sessions made for this are gone afterwards."""
    with transaction.atomic():
        clients = [_signed_in(user, number, conf) for number, user in enumerate(users)]
        verdicts = [_verdict(url, clients, users, conf) for url in urls]
        for client in clients:
            client.session.flush()  # sessions may be in a cache, which no rollback reaches
        transaction.set_rollback(True)
    return verdicts


def two_users(names: list[str]) -> tuple[Any, Any]:
    """The users of these names, or any two there are. Raises LookupError, saying what to do."""
    model = get_user_model()
    users: Any = model._default_manager.filter(is_active=True)
    if names:
        field = model.USERNAME_FIELD
        found = [users.filter(**{field: name}).first() for name in names]
        missing = [name for name, user in zip(names, found, strict=True) if user is None]
        if missing:
            raise LookupError(f"there is no active user {missing[0]!r}")
    else:
        found = list(users.order_by("pk")[:2])
    if len(found) != 2 or found[0] == found[1]:
        raise LookupError("two different users are needed: make them, or name them with --as")
    return found[0], found[1]


def _signed_in(user: Any, number: int, conf: Settings) -> Client:
    client = Client()
    client.force_login(user)
    for dimension in conf.dimensions.values():
        if dimension.source == "bucket":  # drawn by chance, which is no difference between users
            client.cookies[dimension.field] = dimension.default
    # cookies that no dimension declares: nothing of them may show
    client.cookies["twopass_leak_test"] = f"visitor-{number}-of-the-leak-test"
    return client


def _verdict(url: str, clients: list[Client], users: tuple[Any, Any], conf: Settings) -> Verdict:
    answers = [ask(client, url, "probe", conf) for client in clients]
    shells = [answer.shell for answer in answers]
    if shells[0] is None or shells[1] is None:
        return _without_shells(url, answers)
    leaks = [*_differences(shells[0], shells[1])]
    for shell, user, client in zip((shells[0], shells[1]), users, clients, strict=True):
        leaks += _mentions(shell, _secrets_of(user, client))
    return Verdict(url, tuple(dict.fromkeys(leaks)))


def _without_shells(url: str, answers: list[Answer]) -> Verdict:
    reasons = [answer.reason for answer in answers]
    if any(answer.shell is not None for answer in answers):
        return Verdict(
            url, ("a shell for one user, and none for the other: " + " / ".join(reasons),)
        )
    return Verdict(url, (), passed=reasons[0])


def _differences(one: Shell, other: Shell) -> Iterator[str]:
    if one.groups != other.groups:
        yield f"groups differ: {', '.join(one.groups)} and {', '.join(other.groups)}"
    if one.headers != other.headers:
        yield "headers differ"
    if one.body == other.body:
        return
    for left, right in zip(one.body, other.body, strict=False):
        if left != right:
            yield f"the page differs: {_around(left, right)} and {_around(right, left)}"
            return
    yield "the page differs in its length"


def _around(part: object, other: object) -> str:
    if not isinstance(part, bytes) or not isinstance(other, bytes):
        return repr(part)[:_EXCERPT]
    start = next(
        (index for index, pair in enumerate(zip(part, other, strict=False)) if pair[0] != pair[1]),
        min(len(part), len(other)),
    )
    return repr(part[max(0, start - 20) : start + _EXCERPT].decode("utf-8", "replace"))


def _secrets_of(user: Any, client: Client) -> Mapping[str, str]:
    """What no page for nobody holds. A name may: the user's, under their review of a product."""
    found = {f"cookie {name}": morsel.value for name, morsel in client.cookies.items()}
    field = type(user).get_email_field_name()
    found["e-mail address"] = str(getattr(user, field, "") or "")
    return {name: value for name, value in found.items() if len(value) >= _SHORTEST}


def _mentions(shell: Shell, secrets: Mapping[str, str]) -> Iterator[str]:
    text = b"\0".join(part for part in shell.body if isinstance(part, bytes))
    for name, value in secrets.items():
        if value.encode() in text:
            yield f"the page holds the user's {name}"

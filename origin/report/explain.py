"""One page, explained: what its shell holds, or why it has none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fragments.csrf import CsrfHole
from fragments.include import Include
from fragments.shell import FragmentHole, NonceHole, Shell

from ..conf import Settings
from ..passes import LANGUAGE_ARGUMENT
from .asking import Answer


def as_json(
    answer: Answer, log: Sequence[str], conf: Settings, made_of: Sequence[Any] = ()
) -> dict[str, Any]:
    """For `--json`. `log`: what was said of it; `made_of`: the data it shows
    (origin.datacache.tree)."""
    shell = answer.shell
    return {
        "url": answer.url,
        "is_two_pass": shell is not None,
        "reason": answer.reason,
        "log": list(log),
        "seconds": round(answer.seconds, 4),
        "shell": None if shell is None else _shell(shell, conf),
        "made_of": list(made_of),
    }


def as_text(answer: Answer, log: Sequence[str], conf: Settings, made_of: Iterable[str] = ()) -> str:
    """For people. `log`: what was said of it; `made_of`: lines about the data it shows."""
    lines = [answer.url]
    shell = answer.shell
    if shell is None:
        lines.append(f"    passed      {answer.reason}")
        lines += [f"    log         {line}" for line in log]
        return "\n".join(lines)
    found = _shell(shell, conf)
    lines.append(f"    shell       {found['bytes']} bytes in {answer.seconds * 1000:.0f} ms")
    lines.append(
        f"    fresh       {shell.max_age:g} s, stale while revalidate "
        f"{shell.stale_while_revalidate:g} s, stale if error {shell.stale_if_error:g} s"
    )
    lines.append(f"    groups      {', '.join(shell.groups) or 'none'}")
    values = ", ".join(f"{name}={value}" for name, value in shell.values)
    lines.append(f"    dimensions  {values or 'none'}")
    query = "all" if shell.query is None else ", ".join(shell.query) or "none"
    lines.append(f"    query       {query}")
    lines.append(f"    gate        {'yes' if shell.gate else 'no'}")
    lines += [f"    hole        {_describe(hole)}" for hole in found["holes"]]
    lines += [f"    made of     {line}" for line in made_of]
    lines += [f"    log         {line}" for line in log]
    return "\n".join(lines)


def _shell(shell: Shell, conf: Settings) -> dict[str, Any]:
    parts = [*shell.body, *(part for _, cut in shell.headers for part in cut)]
    return {
        "bytes": sum(len(part) for part in shell.body if isinstance(part, bytes)),
        "status": shell.status,
        "max_age": shell.max_age,
        "stale_while_revalidate": shell.stale_while_revalidate,
        "stale_if_error": shell.stale_if_error,
        "groups": list(shell.groups),
        "dimensions": dict(shell.values),
        "query": None if shell.query is None else list(shell.query),
        "gate": shell.gate,
        "holes": [_hole(hole, parts.count(hole), conf) for hole in shell.holes()],
    }


def _hole(hole: FragmentHole | CsrfHole | NonceHole, places: int, conf: Settings) -> dict[str, Any]:
    if not isinstance(hole, FragmentHole):
        return {"kind": "csrf" if isinstance(hole, CsrfHole) else "nonce", "places": places}
    include = Include.verify(hole.token, conf.keyring)
    return {
        "kind": include.kind,
        "name": include.name,
        "arguments": {
            key: value if not isinstance(value, bytes) else value.hex()
            for key, value in include.args
            if key != LANGUAGE_ARGUMENT
        },
        "places": places,
        "scope": hole.scope,
        "when_cookie": list(hole.when_cookies),
        "cookies": list(hole.cookies),
        "dimensions": list(hole.dimensions),
        "writes": hole.writes,
    }


def _describe(hole: dict[str, Any]) -> str:
    places = f" in {hole['places']} places" if hole["places"] > 1 else ""
    if "name" not in hole:
        return f"{hole['kind']}{places}"
    arguments = " ".join(f"{key}={value!r}" for key, value in hole["arguments"].items())
    parts = [hole["scope"]]
    if hole["when_cookie"]:
        parts.append(f"only with cookie {' or '.join(hole['when_cookie'])}")
    if hole["writes"]:
        parts.append("writes")
    name = f"{hole['kind']} {hole['name']} {arguments}".strip()
    return f"{name}{places}: {', '.join(parts)}"

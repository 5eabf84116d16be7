"""`twopass purge` and `twopass status`: the admin API from a shell."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

import httpx

INCOMPLETE = 3


class AdminError(Exception):
    """The edge did not do it; the message says what to do."""


def purge(options: argparse.Namespace) -> int:
    """Send a purge, print its receipt; 0 when every process has applied it."""
    document: dict[str, Any] = {
        "urls": options.url,
        "groups": options.group,
        "prefixes": options.prefix,
        "all": options.all,
        "soft": options.soft,
    }
    if options.wait is not None:
        document["wait"] = options.wait
    answer = _call(options.admin, "POST", "/purge", document)
    applied = answer["applied"]
    done = sum(applied.values())
    _say(f"position {answer['position']}: applied by {done} of {len(applied)} processes")
    for name, has_applied in sorted(applied.items()):
        if not has_applied:
            _say(f"  not yet: {name}")
    return 0 if answer["complete"] else INCOMPLETE


def status(options: argparse.Namespace) -> int:
    """Print what the edge is doing."""
    answer = _call(options.admin, "GET", "/status", None)
    if options.json:
        _say(json.dumps(answer, indent=2))
        return 0
    for name, process in answer["processes"].items():
        _say(name)
        _say_tree(process, "  ")
    return 0 if answer["ready"] else INCOMPLETE


def _say_tree(values: dict[str, Any], indent: str) -> None:
    for name, value in values.items():
        if isinstance(value, dict):
            _say(f"{indent}{name}:")
            _say_tree(value, indent + "  ")
        else:
            _say(f"{indent}{name}: {value}")


def _call(admin: str, method: str, path: str, document: object) -> dict[str, Any]:
    token = os.environ.get("TWOPASS_ADMIN_TOKEN", "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    wait = document.get("wait", 1) if isinstance(document, dict) else 1
    try:
        response = httpx.request(
            method, admin.rstrip("/") + path, json=document, headers=headers, timeout=wait + 10
        )
        answer: dict[str, Any] = response.json() if response.status_code < 400 else {}
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise AdminError(f"no answer from {admin} ({error}); is the edge running?") from error
    except ValueError as error:
        raise AdminError(f"{admin} does not speak JSON: is it the admin port?") from error
    if response.status_code in (401, 403):
        raise AdminError("the edge refused: set TWOPASS_ADMIN_TOKEN to the edge's own token")
    if response.status_code >= 400:
        raise AdminError(response.text.strip()[:500])
    return answer


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")

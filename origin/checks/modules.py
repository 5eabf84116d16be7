"""The import names of this distribution are plain words, and a project may have one of its own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from django.core import checks

from ..conf import Settings

NAMES: Final = ("origin", "edge", "fragments", "dbrouting", "migrations_policy")


def check_shadows(conf: Settings) -> Iterator[checks.CheckMessage]:
    """No module of the project hides one of ours, and none of ours hides one of the project's."""
    home = Path(__file__).resolve().parents[2]
    for name in NAMES:
        winner = _winner(name)
        if winner is not None and winner.parent != home:
            yield checks.Error(
                f"{winner} hides the module {name!r} of twopass in {home}.",
                hint=f"Rename the project's {name!r}, or put it into a package.",
                id="twopass.E015",
            )
            continue
        for other in _others(name, home, sys.path):
            yield checks.Warning(
                f"{other} is hidden by the module {name!r} of twopass in {home}.",
                hint=f"`import {name}` finds twopass's; rename yours, or put it into a package.",
                id="twopass.W008",
            )


def _winner(name: str) -> Path | None:
    """Where `import name` goes; None where it goes nowhere."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return None if spec.origin is None else Path(spec.origin).resolve()


def _others(name: str, home: Path, search: Iterable[str]) -> Iterator[Path]:
    seen: set[Path] = set()
    for entry in search:
        folder = Path(entry or ".").resolve()
        if folder == home or folder in seen:
            continue
        seen.add(folder)
        for found in (folder / name / "__init__.py", folder / f"{name}.py"):
            if found.is_file():
                yield found.parent if found.name == "__init__.py" else found

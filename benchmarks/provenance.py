"""Which code was measured, and when."""

from __future__ import annotations

import datetime as dt
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent


def commit(folder: Path = HERE) -> str:
    """The commit that is checked out, and whether files differ from it; empty without git."""
    name = _git(folder, "rev-parse", "--short=12", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{name} with changes" if name and changes else name


def now() -> str:
    """The time, in UTC."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if not done.returncode else ""

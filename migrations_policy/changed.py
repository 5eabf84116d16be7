"""Which migration files changed since a git ref."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


class GitError(RuntimeError):
    """git could not answer; the message is git's own."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Absolute paths of migration files added or changed, and of those deleted."""

    present: frozenset[Path]
    deleted: frozenset[Path]


def git(*arguments: str, cwd: Path) -> str:
    """Run git and return its output. Raises GitError."""
    try:
        done = subprocess.run(  # noqa: S603  # arguments are ours, the ref follows --end-of-options
            ["git", *arguments],  # noqa: S607  # git from PATH, as everywhere
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise GitError("git is not installed") from error
    if done.returncode:
        raise GitError(done.stderr.strip() or f"git {arguments[0]} failed")
    return done.stdout


def changes_since(ref: str, cwd: Path) -> Changes:
    """Return the migration files that differ from `ref`, untracked ones included."""
    root = Path(git("rev-parse", "--show-toplevel", cwd=cwd).strip())
    listed = git("diff", "--name-status", "--no-renames", "-z", "--end-of-options", ref, cwd=root)
    fields = listed.split("\0")
    present: set[str] = set()
    deleted: set[str] = set()
    for status, name in zip(fields[::2], fields[1::2], strict=False):
        (deleted if status == "D" else present).add(name)
    present |= set(git("ls-files", "--others", "--exclude-standard", "-z", cwd=root).split("\0"))
    return Changes(_migrations(root, present), _migrations(root, deleted))


def _migrations(root: Path, names: set[str]) -> frozenset[Path]:
    return frozenset(
        (root / name).resolve()
        for name in names
        if name.endswith(".py")
        and "/migrations/" in f"/{name}"
        and not name.endswith("__init__.py")
    )

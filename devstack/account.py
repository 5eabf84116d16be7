"""Which user the servers run as.

PostgreSQL refuses to run as root. Where devstack is root (containers, CI) the servers run as
``nobody``: the account is in every Debian's /etc/passwd, which initdb insists on. Everything
they touch must then be reachable for that user, and root's own folders (0700) are not.
"""

import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from devstack.errors import DevstackError

UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Account:
    """The user that servers run as; ``is_switched`` when it is not the one who asks."""

    name: str
    uid: int
    gid: int
    is_switched: bool

    def popen_options(self) -> dict[str, Any]:
        """Arguments for ``subprocess`` that make a program run as this user."""
        if not self.is_switched:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Gives a file or directory to this user."""
        if self.is_switched:
            os.chown(path, self.uid, self.gid)

    def can_reach(self, path: Path) -> bool:
        """Whether this user may pass through every directory above ``path``."""
        if not self.is_switched:
            return True
        directories = {*path.absolute().parents, *path.resolve().parents}
        return all(map(self._may_enter, directories))

    def _may_enter(self, directory: Path) -> bool:
        found = directory.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


@cache
def server_account() -> Account:
    """The account for servers: the caller's own, or ``nobody`` when the caller is root.

    Raises:
        DevstackError: root, and the system has no such account.
    """
    if os.geteuid() != 0:
        return Account(_name_of(os.geteuid()), os.geteuid(), os.getegid(), is_switched=False)
    try:
        entry = pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise DevstackError(
            f"PostgreSQL does not run as root and there is no user '{UNPRIVILEGED}': "
            f"add one (useradd --system {UNPRIVILEGED}) or run this as an ordinary user"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, is_switched=True)


def _name_of(uid: int) -> str:
    """The user's name.

    Raises:
        DevstackError: it has none; initdb would refuse, as it looks the user up.
    """
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise DevstackError(
            f"user {uid} is not in /etc/passwd, and PostgreSQL runs only as a user that is: "
            "add one with useradd, or run this as root"
        ) from None


def make_scratch_directory(account: Account) -> Path:
    """A new private directory of the account's, in a place that it can reach.

    Raises:
        DevstackError: no temporary directory can be used.
    """
    for parent in _scratch_parents():
        if parent.is_dir() and os.access(parent, os.W_OK) and account.can_reach(parent / "x"):
            # Short on purpose: a Unix socket's path may have 107 characters.
            path = Path(tempfile.mkdtemp(prefix="devstack-", dir=parent))
            account.own(path)
            return path
    raise DevstackError("no usable temporary directory: set TMPDIR to one that others may enter")


def _scratch_parents() -> Iterator[Path]:
    yield Path(tempfile.gettempdir())
    yield from map(Path, ("/tmp", "/var/tmp", "/dev/shm"))

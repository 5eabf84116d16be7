"""PgBouncer for tests: the system's, else unpacked from its Debian package.

Never installed, not even as root: the package would start a server of its own.
"""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack.account import Account
from devstack.debian import PackageFolder
from devstack.errors import ProgramNotFound

CACHE = Path(__file__).resolve().parents[1] / "var" / "pgbouncer"
SEARCHED = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"


@dataclass(frozen=True)
class PgBouncer:
    """How to start it: the program, and what to add to the environment."""

    executable: Path
    extra_environment: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The environment to start it with."""
        return {**os.environ, **self.extra_environment}


def pgbouncer(account: Account, directory: Path, cache: Path = CACHE) -> PgBouncer:
    """The program for `account`: `$PGBOUNCER`, PATH, else unpacked now (Debian: apt).

    What was unpacked where the account cannot reach is copied into `directory`, which it can.

    Raises:
        ProgramNotFound: there is none and it cannot be had.
    """
    if chosen := os.environ.get("PGBOUNCER"):
        if not Path(chosen).is_file():
            raise ProgramNotFound(f"PGBOUNCER names {chosen}, which does not exist")
        return PgBouncer(Path(chosen))
    if found := shutil.which("pgbouncer", path=SEARCHED):
        return PgBouncer(Path(found))
    folder = PackageFolder(cache)
    with folder.locked():
        if not _program(folder).is_file():
            try:
                folder.unpack("pgbouncer")
            except ProgramNotFound as error:
                raise ProgramNotFound(
                    f"PgBouncer was not found and could not be unpacked: {error}\n"
                    "Install it, or set PGBOUNCER to the program's path."
                ) from error
        if not account.can_reach(_program(folder)):
            folder = _copied(folder, account, directory)
    return PgBouncer(_program(folder), {"LD_LIBRARY_PATH": folder.library_path()})


def _program(folder: PackageFolder) -> Path:
    return folder.root / "usr/sbin/pgbouncer"


def _copied(folder: PackageFolder, account: Account, directory: Path) -> PackageFolder:
    copy = PackageFolder(directory / "pgbouncer-package")
    if not copy.root.exists():
        shutil.copytree(folder.root, copy.root, symlinks=True)
        account.own(copy.folder)
    return copy

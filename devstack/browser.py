"""A Chromium for tests: the system's, else installed by apt, else unpacked without root.

The flags keep it headless and silent: nothing is looked up or fetched but what a test opens
on loopback. Its sandbox is off because it opens the project's own pages only, and because a
container seldom has the user namespaces that the sandbox needs.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devstack.errors import DevstackError, ProgramNotFound

CACHE = Path(__file__).resolve().parents[1] / "var" / "chromium"
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",  # a container's /dev/shm may have 64 MB
    "--no-first-run",
    "--no-default-browser-check",
    "--password-store=basic",
    # No talk behind the test's back.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-quic",
    "--disable-sync",
    "--metrics-recording-only",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)
INSTALL_TIMEOUT = 900.0


@dataclass(frozen=True)
class Chromium:
    """How to start the browser: program, flags, and what to add to the environment.

    With Playwright: ``chromium.launch(executable_path=found.executable, args=found.flags,
    env=found.environment())``. Give every start an empty ``--user-data-dir`` of its own
    (Playwright does).
    """

    executable: Path
    flags: Sequence[str] = FLAGS
    extra_environment: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """The environment to start it with."""
        return {**os.environ, **self.extra_environment}

    def version(self) -> str:
        """What the program says of itself.

        Raises:
            DevstackError: it does not start.
        """
        done = subprocess.run(
            [self.executable, "--version"], env=self.environment(), capture_output=True, text=True
        )
        if done.returncode:
            raise DevstackError(f"{self.executable} does not start: {done.stderr.strip()}")
        return done.stdout.strip()


def chromium(cache: Path = CACHE) -> Chromium:
    """The browser: ``$CHROMIUM``, PATH, the cache, else installed now (Debian: apt).

    Raises:
        ProgramNotFound: there is none and it cannot be installed.
    """
    if chosen := os.environ.get("CHROMIUM"):
        if not Path(chosen).is_file():
            raise ProgramNotFound(f"CHROMIUM names {chosen}, which does not exist")
        return Chromium(Path(chosen))
    if found := _on_path():
        return found
    with _locked(cache):
        if unpacked := _unpacked(cache):
            return unpacked
        if shutil.which("apt-get") is None:
            raise ProgramNotFound(
                "Chromium was not found, and there is no apt-get to install it with: install "
                "Chromium or Chrome, or set CHROMIUM to the program's path"
            )
        return _install_as_root() if os.geteuid() == 0 else _unpack_for_user(cache)


def _on_path() -> Chromium | None:
    for name in NAMES:
        if found := shutil.which(name):
            return Chromium(Path(found))
    return None


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """One installation at a time: suites run beside each other."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install_as_root() -> Chromium:
    _say("installing the package chromium (apt-get) …")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    _apt("update", environment=environment)
    _apt("install", "--yes", "--no-install-recommends", "chromium", environment=environment)
    found = _on_path()
    if found is None:
        raise ProgramNotFound("apt-get installed chromium, yet no such program is on PATH")
    return found


def _unpack_for_user(cache: Path) -> Chromium:
    """Downloads chromium and what it lacks here, and unpacks all of it below the cache.

    apt gets directories of its own, so it needs no right on the system's; the system's list
    of installed packages is only read, to leave out libraries that are there.
    """
    _say(f"downloading chromium into {cache} (about 125 MB, once) …")
    work = cache / "apt"
    for folder in ("lists/partial", "cache/archives/partial", "packages"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    options = [
        f"--option=Dir::State::lists={work / 'lists'}",
        f"--option=Dir::Cache={work / 'cache'}",
        "--option=Debug::NoLocking=1",
        "--option=APT::Sandbox::User=",
    ]
    _apt(*options, "update")
    planned = _apt(*options, "--simulate", "--no-install-recommends", "install", "chromium")
    packages = re.findall(r"^Inst (\S+)", planned, flags=re.MULTILINE)
    _apt(*options, "download", *packages, cwd=work / "packages")
    root = cache / "partial"
    shutil.rmtree(root, ignore_errors=True)
    for package in sorted((work / "packages").glob("*.deb")):
        _run("dpkg-deb", "--extract", str(package), str(root))
    _write_font_settings(root, cache / "root")
    shutil.rmtree(work)
    root.rename(cache / "root")
    found = _unpacked(cache)
    if found is None:
        raise ProgramNotFound(f"the packages {packages} hold no chromium; see {cache / 'root'}")
    return found


def _unpacked(cache: Path) -> Chromium | None:
    root = cache / "root"
    program = root / "usr/lib/chromium/chromium"
    if not program.is_file():
        return None
    # libnss3 loads modules from a folder of its own; the others are the usual ones.
    libraries = [path.parent for path in root.glob("usr/lib/*-linux-gnu*/**/*.so*")]
    folders = sorted({program.parent, *libraries, *(p.parent for p in root.glob("lib/**/*.so*"))})
    return Chromium(
        program,
        extra_environment={
            "LD_LIBRARY_PATH": ":".join(map(str, folders)),
            "FONTCONFIG_FILE": str(root / "fonts.conf"),
        },
    )


def _write_font_settings(root: Path, final_root: Path) -> None:
    """The packages' font settings name absolute paths; these name the unpacked ones too."""
    (root / "fonts.conf").write_text(
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        f"  <dir>/usr/share/fonts</dir>\n  <dir>{final_root}/usr/share/fonts</dir>\n"
        f"  <cachedir>{final_root}/var/cache/fontconfig</cachedir>\n"
        f'  <include ignore_missing="yes">{final_root}/etc/fonts/conf.d</include>\n'
        "</fontconfig>\n"
    )


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
            timeout=INSTALL_TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise ProgramNotFound(f"{command[0]} did not finish in {INSTALL_TIMEOUT:.0f} s") from None
    if done.returncode:
        raise ProgramNotFound(
            f"Chromium could not be installed: `{' '.join(command)}` failed:\n"
            f"{done.stderr.strip() or done.stdout.strip()}\n"
            "Install the package chromium, or set CHROMIUM to the program's path."
        )
    return done.stdout


def _say(message: str) -> None:
    print(f"devstack: {message}", file=sys.stderr, flush=True)

"""A Chromium for tests: the system's, else installed by apt, else unpacked without root.

The flags keep it headless and silent: nothing is looked up or fetched but what a test opens
on loopback. Its sandbox is off because it opens the project's own pages only, and because a
container seldom has the user namespaces that the sandbox needs.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from devstack.debian import PackageFolder
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


@dataclass(frozen=True)
class Chromium:
    """How to start the browser: program, flags, and what to add to the environment.

    Give every start an empty ``--user-data-dir`` of its own; with Playwright
    :func:`devstack.playwright_chromium` does all of it.
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
    folder = PackageFolder(cache)
    with folder.locked():
        if unpacked := _unpacked(folder):
            return unpacked
        try:
            folder.provide("chromium")
        except ProgramNotFound as error:
            raise ProgramNotFound(
                f"Chromium was not found and could not be installed: {error}\n"
                "Install Chromium or Chrome, or set CHROMIUM to the program's path."
            ) from error
        found = _on_path() or _unpacked(folder)
    if found is None:
        raise ProgramNotFound(f"the package chromium brought no chromium; see {folder.root}")
    return found


def _on_path() -> Chromium | None:
    for name in NAMES:
        if found := shutil.which(name):
            return Chromium(Path(found))
    return None


def _unpacked(folder: PackageFolder) -> Chromium | None:
    program = folder.root / "usr/lib/chromium/chromium"
    if not program.is_file():
        return None
    settings = folder.root / "fonts.conf"
    if not settings.exists():
        settings.write_text(_font_settings(folder.root))
    return Chromium(
        program,
        extra_environment={
            "LD_LIBRARY_PATH": f"{program.parent}:{folder.library_path()}",
            "FONTCONFIG_FILE": str(settings),
        },
    )


def _font_settings(root: Path) -> str:
    """The packages' own settings name absolute paths; these name the unpacked ones too."""
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n'
        f"  <dir>/usr/share/fonts</dir>\n  <dir>{root}/usr/share/fonts</dir>\n"
        f"  <cachedir>{root}/var/cache/fontconfig</cachedir>\n"
        f'  <include ignore_missing="yes">{root}/etc/fonts/conf.d</include>\n'
        "</fontconfig>\n"
    )

"""Playwright with the Chromium of :mod:`devstack.browser`, on machines that lack what it needs.

Playwright's wheel brings its own Node.js, which is linked to a library that a bare Debian does
not have (libatomic). It comes the way Chromium does.
"""

import importlib.util
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from devstack.browser import chromium
from devstack.debian import PackageFolder
from devstack.errors import ProgramNotFound

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CACHE = Path(__file__).resolve().parents[1] / "var" / "playwright"
# Shared libraries that the driver has been seen to want, and Debian's packages of them.
PACKAGES = {"libatomic.so.1": "libatomic1", "libstdc++.so.6": "libstdc++6"}


@contextmanager
def playwright_chromium() -> "Iterator[Browser]":
    """A started browser under Playwright's control (synchronous API), closed in the end.

    Raises:
        ProgramNotFound: Playwright or Chromium is missing and cannot be installed.
    """
    from playwright.sync_api import sync_playwright

    found = chromium()
    manager = sync_playwright()
    with _environment(driver_environment()):  # the driver starts here and inherits it
        playwright = manager.__enter__()
    try:
        browser = playwright.chromium.launch(
            executable_path=found.executable,
            args=list(found.flags),
            env={**found.environment()},
        )
        yield browser
        browser.close()
    finally:
        manager.__exit__(None, None, None)


def driver_environment(cache: Path = CACHE) -> dict[str, str]:
    """What to add to the environment so that Playwright's Node.js starts; usually nothing.

    Raises:
        ProgramNotFound: it does not start, and no package is known that would mend it.
    """
    node = driver_program()
    missing = _missing_library(node, {})
    if missing is None:
        return {}
    folder = PackageFolder(cache)
    with folder.locked():
        if _missing_library(node, _libraries(folder)) is not None:
            if missing in PACKAGES:
                folder.provide(PACKAGES[missing])
            if still := _missing_library(node, _libraries(folder)):
                raise ProgramNotFound(f"Playwright's {node} needs {still}: install it")
        return _libraries(folder)


def _libraries(folder: PackageFolder) -> dict[str, str]:
    path = folder.library_path()
    return {"LD_LIBRARY_PATH": path} if path else {}


def driver_program() -> Path:
    """The Node.js of Playwright's wheel.

    Raises:
        ProgramNotFound: Playwright is not installed.
    """
    spec = importlib.util.find_spec("playwright")
    if spec is None or spec.origin is None:
        raise ProgramNotFound("Playwright is not installed: run `make venv`")
    return Path(spec.origin).parent / "driver" / "node"


def _missing_library(node: Path, addition: dict[str, str]) -> str | None:
    """The first shared library that the dynamic linker does not find; None when it starts."""
    done = subprocess.run(
        [node, "--version"], env={**os.environ, **addition}, capture_output=True, text=True
    )
    if done.returncode == 0:
        return None
    named = re.search(r"loading shared libraries: ([^:]+):", done.stderr)
    return named[1] if named else f"something else ({done.stderr.strip()})"


@contextmanager
def _environment(addition: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in addition}
    os.environ.update(addition)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

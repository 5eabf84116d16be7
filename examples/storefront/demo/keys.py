"""The demo's secrets: made once, kept in the checkout's var folder, for its owner only."""

import json
import os
import secrets
from pathlib import Path

from .failure import DemoFailure

NAMES = ("STOREFRONT_SECRET_KEY", "TWOPASS_SECRET", "TWOPASS_ADMIN_TOKEN")


def kept_in(file: Path) -> dict[str, str]:
    """The secrets as environment variables. A damaged file is made anew.

    Raises DemoFailure where the folder cannot be written to.

    They stay the same from one start to the next, so that nobody is logged out by a restart.
    """
    try:
        known = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    if isinstance(known, dict) and all(isinstance(known.get(name), str) for name in NAMES):
        return {name: known[name] for name in NAMES}
    made = {name: secrets.token_urlsafe(48) for name in NAMES}
    try:
        _write(file, made)
    except OSError as error:
        raise DemoFailure(
            f"The demo cannot keep its files in {file.parent} ({error.strerror}). "
            "Set STOREFRONT_VAR to a folder of yours."
        ) from error
    return made


def _write(file: Path, made: dict[str, str]) -> None:
    """For the owner only, from the first byte on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as output:  # noqa: PTH123 - a descriptor
        json.dump(made, output, indent=2)

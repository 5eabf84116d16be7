"""The lock files are in step with pyproject.toml and with what is installed."""

import re
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.checkout import ROOT, pyproject
from tests.project.test_imports import closure

PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)
# Lock file: the extra and the dependency group that it locks.
LOCKS = {
    "dev": ("dev", "storefront"),
    "edge": ("edge", None),
    "storefront": ("origin", "storefront"),
}
# Asked for by redis below Python 3.11.3, which Debian 12 has; a newer one installs it in vain.
CONDITIONAL = {"async-timeout"}


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / f"requirements/{lock}.lock").read_text()))


def asked_for(extra: str, group: str | None) -> list[Requirement]:
    """The requirements of an extra and a group, with extras of our own spelled out."""
    project = pyproject()["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"][extra]]
    if group is not None:
        texts += pyproject()["dependency-groups"][group]
    found = []
    for wanted in map(Requirement, texts):
        if wanted.name == "twopass":
            for inner in wanted.extras:
                found += asked_for(inner, None)
        else:
            found.append(wanted)
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_requirement_is_pinned_within_its_bounds(lock: str) -> None:
    pinned = pins(lock)
    for wanted in asked_for(*LOCKS[lock]):
        name = canonicalize_name(wanted.name)
        assert name in pinned, f"{name} is not in {lock}.lock: run make lock"
        assert wanted.specifier.contains(pinned[name]), f"{wanted} against {pinned[name]}"


@pytest.mark.parametrize("lock", LOCKS)
def test_nothing_is_pinned_that_nobody_asks_for(lock: str) -> None:
    wanted: set[str] = set(CONDITIONAL)
    for requirement in asked_for(*LOCKS[lock]):
        wanted |= closure(requirement.name, frozenset(requirement.extras))
    assert set(pins(lock)) - wanted == set(), "run make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes_and_no_line_an_address(lock: str) -> None:
    text = (ROOT / f"requirements/{lock}.lock").read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(blocks) == len(pins(lock))
    assert [block for block in blocks if "--hash=sha256:" not in block] == []
    assert re.findall(r"^.*(?:://|--index|--find-links).*$", text, re.MULTILINE) == []


def test_the_locks_agree_with_each_other() -> None:
    dev = pins("dev")
    for lock in ("edge", "storefront"):
        different = {name: pin for name, pin in pins(lock).items() if dev.get(name) != pin}
        assert different == {}, f"{lock}.lock: run make lock"


def test_this_environment_is_the_locked_one() -> None:
    installed = {name: version(name) for name in pins("dev") if name not in CONDITIONAL}
    locked = {name: pin for name, pin in pins("dev").items() if name not in CONDITIONAL}
    assert installed == locked, "run make venv"

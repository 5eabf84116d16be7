"""The folders are the architecture, and no tracked file names a machine or a package index."""

import re
from pathlib import Path

import pytest

from tests.project.checkout import PACKAGES, ROOT, pyproject, tracked_files

FOLDERS = {
    *PACKAGES,
    "benchmarks", "devstack", "docker", "docs", "examples", "requirements", "scripts", "tests",
}  # fmt: skip
# Says nothing about what is inside.
NAMELESS = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:work|root|home)/[\w.-]+")
INDEX_HOST = re.compile("|".join(map(re.escape, (
    "pypi" + ".org", "python" + "hosted", "npm" + "js.org", "deb.debian" + ".org",
    "security.debian" + ".org", "pkg." + "dev",
))))  # fmt: skip


def test_the_top_level_folders() -> None:
    found = {path.relative_to(ROOT).parts[0] for path in tracked_files() if path.parent != ROOT}
    assert {name for name in found if not name.startswith(".")} == FOLDERS


def test_modules_are_named_for_what_they_hold() -> None:
    python = [path for path in tracked_files() if path.suffix == ".py"]
    assert [path for path in python if {path.stem, path.parent.name} & NAMELESS] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_typed_and_explained(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    assert (ROOT / package / "__init__.py").read_text().startswith('"""')


def text_of(path: Path) -> str:
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""  # pictures and golden bytes


@pytest.mark.parametrize("pattern", [MACHINE_PATH, INDEX_HOST], ids=["paths", "hosts"])
def test_tracked_files_name_no_machine(pattern: re.Pattern[str]) -> None:
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in tracked_files()
        if (match := pattern.search(text_of(path)))
    }
    assert found == {}


@pytest.mark.parametrize("text", ["cd /wo" + "rk/main", "'/ro" + "ot/.pyenv'", "/ho" + "me/jo/x"])
def test_a_machine_path_is_recognised(text: str) -> None:
    assert MACHINE_PATH.search(text)
    assert not MACHINE_PATH.search("/srv/root/x, https://example.org/home/page, below /root (0700)")


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    version = pyproject()["project"]["version"]
    assert [heading for heading in headings if heading != "Unreleased"][:1] == [version]

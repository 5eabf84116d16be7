"""Every setting, environment variable and metric that the code names stands in docs/.

Settings are collected by convention, without importing: the fields of each dataclass
``Settings`` in a package's ``settings.py`` or ``conf.py``. Metrics are those that an edge exports,
and string constants ``twopass_…`` elsewhere that end in a unit or stand in ``metrics`` modules.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.app import create_app
from edge.settings import Settings
from tests.project.checkout import PACKAGES, ROOT

VARIABLE = re.compile(r"\bTWOPASS_[A-Z][A-Z_]*[A-Z]\b")
METRIC = re.compile(r"^twopass_[a-z0-9_]*[a-z0-9]$")
UNITS = ("_total", "_seconds", "_bytes", "_ratio", "_info", "_count", "_state")
METRIC_MODULES = ("metrics.py", "counters.py")
SETTING_MODULES = ("settings.py", "conf.py")


def sources(package: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path, ast.parse(path.read_text())


def strings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def documentation() -> str:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return "\n".join(page.read_text() for page in pages)


def settings_of(package: str) -> set[str]:
    found: set[str] = set()
    for path, tree in sources(package):
        if path.name not in SETTING_MODULES:
            continue
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name == "Settings":
                fields = (item for item in node.body if isinstance(item, ast.AnnAssign))
                found |= {item.target.id for item in fields if isinstance(item.target, ast.Name)}
    return {name for name in found if not name.startswith("_")}


def metrics() -> set[str]:
    """What an edge really exports, and names that other packages spell out."""
    edge = create_app(Settings(origin="http://127.0.0.1", secret="s" * 40)).state.edge
    found = {metric["name"] for metric in edge.counters.snapshot()}
    for package in set(PACKAGES) - {"edge"}:
        for path, tree in sources(package):
            named = {text for text in strings(tree) if METRIC.match(text)}
            everywhere = path.name in METRIC_MODULES
            found |= {name for name in named if everywhere or name.endswith(UNITS)}
    return found


def is_written(name: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


@pytest.mark.parametrize("package", ["edge", "origin", "dbrouting"])
def test_the_settings_are_found_and_documented(package: str) -> None:
    """In the form that users write: option, TOML key, or key of the Django setting."""
    names = settings_of(package)
    assert len(names) > 10
    text = documentation()
    forms = {name: (name, name.upper(), f"--{name.replace('_', '-')}") for name in names}
    # Computed from other settings, so nobody sets them.
    derived = {"keyring", "secret_is_shared"}
    missing = [n for n in names - derived if not any(is_written(f, text) for f in forms[n])]
    assert sorted(missing) == []


def test_environment_variables_are_documented() -> None:
    named = {
        variable
        for package in (*PACKAGES, "devstack", "examples", "benchmarks")
        for _, tree in sources(package)
        for text in strings(tree)
        for variable in VARIABLE.findall(text)
    }
    text = documentation()
    assert named
    assert sorted(name for name in named if not is_written(name, text)) == []


def test_metrics_are_documented() -> None:
    names, text = metrics(), documentation()
    assert names
    assert sorted(name for name in names if not is_written(name, text)) == []


def test_every_part_has_its_page() -> None:
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert {"architecture", "wire", "leak-model", "devstack", *PACKAGES} - pages <= {"fragments"}

"""Each side imports with nothing installed but what its extra asks for.

A subprocess imports every module while all other distributions of this environment are hidden
from it, so a stray import fails here and not at a user who installed one extra.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project.checkout import ROOT, modules, pyproject

PROGRAM = """
import importlib, json, sys
from importlib.abc import MetaPathFinder

job = json.loads(sys.argv[1])

class Hidden(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in job["hidden"]:
            raise ModuleNotFoundError(f"{name} is hidden: the extra does not ask for it", name=name)

sys.meta_path.insert(0, Hidden())
if job["apps"]:
    import django
    from django.conf import settings
    settings.configure(INSTALLED_APPS=job["apps"], SECRET_KEY="x", USE_TZ=True)
    django.setup()
failures = {}
for name in job["modules"]:
    try:
        importlib.import_module(name)
    except Exception as error:
        failures[name] = f"{type(error).__name__}: {error}"
print(json.dumps(failures))
"""
DJANGO_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
# Modules that serve a library which a project has or has not: imported only by those who do.
OPTIONAL = re.compile(r"^origin\.(jinja2|wagtail|datacache\.panel)")
OURS = {"edge", "origin", "fragments", "dbrouting", "migrations_policy"}


@cache
def closure(name: str, extras: frozenset[str]) -> frozenset[str]:
    """All distributions that one asks for, with the extras given, itself included."""
    found = {canonicalize_name(name)}
    for text in requires(name) or []:
        wanted = Requirement(text)
        environments = [{"extra": extra} for extra in extras] or [{"extra": ""}]
        if wanted.marker and not any(map(wanted.marker.evaluate, environments)):
            continue
        found |= closure(wanted.name, frozenset(wanted.extras))
    return frozenset(found)


def distributions(extra: str | None) -> set[str]:
    """What ``pip install twopass[extra]`` would bring."""
    project = pyproject()["project"]
    asked = project["dependencies"] + (
        project["optional-dependencies"][extra] if extra is not None else []
    )
    found: set[str] = set()
    for text in asked:
        wanted = Requirement(text)
        found |= closure(wanted.name, frozenset(wanted.extras))
    return found


def hidden_without(allowed: set[str]) -> set[str]:
    """The import names of all installed distributions that are not allowed."""
    return {
        module
        for module, owners in packages_distributions().items()
        if not allowed & {canonicalize_name(owner) for owner in owners}
    }


def import_failures(names: Iterable[str], hidden: set[str], apps: list[str]) -> dict[str, str]:
    job = {"modules": list(names), "hidden": sorted(hidden), "apps": apps}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(job)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    failures: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return failures


def names_of(*packages: str) -> list[str]:
    names = [name for package in packages for name in modules(package)]
    return [name for name in names if not OPTIONAL.match(name) and not name.endswith("__main__")]


def test_fragments_need_no_extra() -> None:
    hidden = hidden_without(distributions(None)) | (OURS - {"fragments"})
    assert import_failures(names_of("fragments"), hidden, []) == {}


def test_the_edge_runs_without_django() -> None:
    hidden = hidden_without(distributions("edge")) | (OURS - {"fragments", "edge"})
    assert "django" in hidden
    assert import_failures(names_of("edge"), hidden, []) == {}


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_the_django_side_runs_without_the_edge_and_with_either_driver(driver: str) -> None:
    hidden = hidden_without(distributions("origin") | {"psycopg2-binary"}) | {"edge"}
    hidden |= {"psycopg", "psycopg_pool", "psycopg2"} - {driver}
    assert {"starlette", "httpx", "uvicorn"} <= hidden
    apps = [*DJANGO_APPS, "origin", "dbrouting", "migrations_policy"]
    names = names_of("origin", "dbrouting", "migrations_policy")
    assert import_failures(names, hidden, apps) == {}


def test_a_hidden_distribution_fails_the_import() -> None:
    """The check itself can fail."""
    failures = import_failures(["statistics", "queue"], {"fractions"}, [])
    assert list(failures) == ["statistics"]
    assert "fractions is hidden" in failures["statistics"]

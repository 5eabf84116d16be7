from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from devstack import PostgresCluster
from tests.end_to_end.stack import ROOT, Stack, running_stack

SEED = (sys.executable, "-m", "examples.storefront.manage")


@pytest.fixture(scope="session")
def seeded(postgres_cluster: PostgresCluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A template database with the whole shop in it; its name."""
    postgres_cluster.primary.query("CREATE DATABASE storefront_seed")
    url = postgres_cluster.primary.dsn("storefront_seed")
    environment = {
        **os.environ,
        "STOREFRONT_DATABASE_URL": url,
        "STOREFRONT_VAR": str(tmp_path_factory.mktemp("seed")),
    }
    for command in (("migrate", "--verbosity", "0"), ("seed_shop",)):
        done = subprocess.run(
            [*SEED, *command], env=environment, cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
    return "storefront_seed"


@pytest.fixture(scope="session")
def shop_environment(
    postgres_cluster: PostgresCluster, seeded: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], dict[str, str]]:
    """Makes a fresh copy of the seeded shop; the environment that serves it."""
    made = 0

    def make() -> dict[str, str]:
        nonlocal made
        made += 1
        name = f"storefront_{made}"
        postgres_cluster.primary.query(f"CREATE DATABASE {name} TEMPLATE {seeded}")
        return {
            "STOREFRONT_DATABASE_URL": postgres_cluster.primary.dsn(name),
            "STOREFRONT_VAR": str(tmp_path_factory.mktemp(name)),
        }

    return make


@pytest.fixture(scope="session")
def stack_factory(
    tmp_path_factory: pytest.TempPathFactory, shop_environment: Callable[[], dict[str, str]]
) -> Iterator[Callable[..., Stack]]:
    """Starts stacks of the storefront, each on a database of its own, until the session ends."""
    with ExitStack() as stacks:

        def start(environment: dict[str, str] | None = None, **options: Any) -> Stack:
            folder = tmp_path_factory.mktemp("stack")
            chosen = {**shop_environment(), **(environment or {})}
            return stacks.enter_context(running_stack(folder, chosen, **options))

        yield start


@pytest.fixture(scope="session")
def shop(stack_factory: Callable[..., Stack]) -> Stack:
    """The storefront on PostgreSQL behind one edge, shared by all tests; not to be broken."""
    return stack_factory()


@pytest.fixture(autouse=True)
def _logs_of_a_failure(request: pytest.FixtureRequest) -> Iterator[None]:
    """Show what the servers said when a test fails."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed and "shop" in request.fixturenames:
        stack: Stack = request.getfixturevalue("shop")
        for process in (stack.origin, *stack.edges):
            sys.stderr.write(f"\n--- {process.log.name}\n{process.tail()}\n")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder for one test, gone afterwards."""
    yield tmp_path
    shutil.rmtree(tmp_path, ignore_errors=True)

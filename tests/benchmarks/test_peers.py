"""What is missing is named; only root installs, and a failure says what to do."""

from __future__ import annotations

import os

import pytest

from benchmarks import peers


def test_what_is_missing_is_named() -> None:
    assert peers.missing(lambda name: None if name == "wrk" else "/usr/bin/it") == ["wrk"]
    assert peers.advice(["nginx", "wrk"]) == "apt-get install nginx-core wrk"


def test_apt_is_asked_for_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    asked: list[list[str]] = []
    peers.install(["varnishd"], lambda command: bool(asked.append(list(command))))

    assert [command[0] for command in asked] == ["update", "install"]
    assert asked[1][-1] == "varnish"


def test_who_is_not_root_is_told_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(RuntimeError, match="sudo apt-get install wrk"):
        peers.install(["wrk"], lambda command: pytest.fail("apt was run"))


def test_apt_that_fails_says_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(RuntimeError, match="apt-get update failed; without nginx"):
        peers.install(["nginx"], lambda command: 100)

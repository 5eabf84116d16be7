"""The demo's parts: ports, secrets, processes, forms. That it runs, end_to_end shows."""

import os
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from examples.storefront.demo import keys, ports
from examples.storefront.demo.check import shop_through
from examples.storefront.demo.crew import Crew, watch
from examples.storefront.demo.failure import DemoFailure
from examples.storefront.demo.options import parse
from examples.storefront.demo.pages import form_to, forms_of

STAYS = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)",
]


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    with Crew(tmp_path / "log", os.environ, tmp_path) as crew:
        yield crew


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_port_that_is_taken_is_named_with_the_option_to_change_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]

        with pytest.raises(DemoFailure, match=rf"Port {number} .*\n.*--port {number + 1}"):
            ports.claim(number, "--port")


def test_port_0_is_any_free_one() -> None:
    assert ports.claim(0, "--port") > 0


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "var" / "secrets.json"

    first = keys.kept_in(file)

    assert keys.kept_in(file) == first
    assert len(set(first.values())) == 3
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"TWOPASS_SECRET": 3}'])
def test_damaged_secrets_are_made_anew(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(damage)

    made = keys.kept_in(file)

    assert sorted(made) == sorted(keys.NAMES)
    assert keys.kept_in(file) == made


def test_leaving_stops_everybody(tmp_path: Path) -> None:
    with Crew(tmp_path, os.environ, tmp_path) as crew:
        pids = [crew.start(name, STAYS).process.pid for name in ("one", "two")]
        crew.check()

    assert not any(is_running(pid) for pid in pids)


def test_who_does_not_end_when_asked_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("examples.storefront.demo.crew.GRACE", 0.2)
    with Crew(tmp_path, os.environ, tmp_path) as crew:
        pid = crew.start("stubborn", STUBBORN).process.pid

    assert not is_running(pid)


def test_a_crash_is_told_with_the_end_of_the_log(crew: Crew) -> None:
    crew.start("edge", STAYS)
    crew.start("origin", [sys.executable, "-c", "raise SystemExit('no database here')"])

    with pytest.raises(DemoFailure) as told:
        watch(crew, interval=0.01)

    assert "The origin ended by itself (exit status 1)" in str(told.value)
    assert "no database here" in str(told.value)


def test_children_of_a_member_end_with_it(crew: Crew, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    parent = (
        "import subprocess, sys, time, pathlib;"
        "p = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        f"pathlib.Path({str(note)!r}).write_text(str(p.pid)); time.sleep(600)"
    )
    crew.start("origin", [sys.executable, "-c", parent])
    deadline = time.monotonic() + 30
    while not (note.exists() and note.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    child = int(note.read_text())

    crew.stop()

    deadline = time.monotonic() + 30
    while is_running(child) and not _is_zombie(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_running(child) or _is_zombie(child)


def _is_zombie(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "Z"


def test_options() -> None:
    assert parse(["--check", "--port", "0"]).check
    assert parse([]).port == 8080


@pytest.mark.parametrize("wrong", [["--port", "70000"], ["--workers", "0"], ["--server", "x"]])
def test_wrong_options_end_with_a_message(
    wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(wrong)
    assert wrong[0] in capsys.readouterr().err


HTML = """
<form action="/search"><input name="q"></form>
<form method="POST" action="/change">
  <input type="hidden" name="token" value="a&amp;b"><input type="checkbox" name="off">
  <input type="checkbox" name="on" checked><input type="submit" name="go" value="Go">
  <select name="size"><option value="s">S</option><option value="m" selected>M</option></select>
  <textarea name="note">two
lines</textarea><button name="press">x</button>
</form>
"""


def test_forms_send_what_a_browser_would() -> None:
    assert [form.method for form in forms_of(HTML)] == ["get", "post"]
    assert form_to(HTML, "/change").fields == {
        "token": "a&b",
        "on": "on",
        "size": "m",
        "note": "two\nlines",
    }


def test_a_form_that_is_not_there_is_an_error() -> None:
    with pytest.raises(LookupError, match="/search"):
        form_to(HTML, "/search")


def test_a_check_that_sees_nothing_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """A shop that does not answer keeps no promise."""
    port = ports.claim(0, "--port")

    assert shop_through(f"http://127.0.0.1:{port}") is False

    told = capsys.readouterr().out
    assert told.count("✗") == 6
    assert "0 of 6 went as promised" in told

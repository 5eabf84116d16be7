"""``python -m devstack up``: prints addresses that work, stays, and cleans up."""

import json
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from devstack.cli import main

COMMAND = [sys.executable, "-m", "devstack", "up"]
DEADLINE = 60.0


def is_listening(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname or "", address.port or 0), timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_up_prints_json_and_ends_on_a_signal(signum: int) -> None:
    with subprocess.Popen(
        [*COMMAND, "--json", "--replicas", "1"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        addresses = json.loads(process.stdout.readline())
        urls = [
            addresses["postgres"]["primary"],
            *addresses["postgres"]["replicas"],
            addresses["redis"],
        ]
        assert [is_listening(url) for url in urls] == [True, True, True]

        process.send_signal(signum)
        assert process.wait(DEADLINE) == 0
        assert process.stderr.read().decode().splitlines()[-1] == "stopping …"
    assert not any(map(is_listening, urls))


def test_up_for_people() -> None:
    with subprocess.Popen(
        [*COMMAND, "--no-postgres"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(3)]
        process.send_signal(signal.SIGINT)
        process.wait(DEADLINE)

    assert printed[0] == "starting Redis …\n"
    assert printed[1].startswith("Redis       redis://127.0.0.1:")
    assert printed[2] == "Ctrl-C ends them and removes their data.\n"


def test_a_missing_version_is_an_error_that_helps(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--postgres-version", "7"]) == 1
    assert "devstack: PostgreSQL 7 was not found" in capsys.readouterr().err


def test_a_wrong_number_of_replicas(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--replicas", "-1"]) == 1
    assert "replicas must be 0 or more, not -1" in capsys.readouterr().err


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "python -m devstack up --json" in capsys.readouterr().out

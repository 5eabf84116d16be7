"""The command line: a failed scenario costs its own place, mistakes come with their remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import cli, peers, results
from benchmarks.scenario import Contestant, Registry, Scenario


def scenario(name: str, works: bool = True) -> Scenario:
    @contextmanager
    def start() -> Iterator[str]:
        yield "target"

    def measure(target: str, seconds: float) -> dict[str, float]:
        if not works:
            raise RuntimeError("12 pages failed")
        return {"rate": seconds}

    twopass, other = Contestant("twopass", "", start), Contestant(f"peer-of-{name}", "", start)
    return Scenario(name, f"Scenario {name}.", (twopass, other), measure, lambda name, target: None)


@pytest.fixture(autouse=True)
def _three_scenarios(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = {
        "good": scenario("good"),
        "bad": scenario("bad", works=False),
        "soak": scenario("soak"),
    }
    registry = Registry({name: lambda item=item: item for name, item in found.items()})  # type: ignore[misc]
    monkeypatch.setattr(cli, "SCENARIOS", registry)
    monkeypatch.setattr(cli, "FOLDER", tmp_path)
    monkeypatch.setattr(peers, "missing", lambda: [])


def report(tmp_path: Path, *arguments: str) -> int:
    pages = ["--html", str(tmp_path / "r.html"), "--markdown", str(tmp_path / "r.md")]
    return cli.main(["report", *pages, *arguments])


def test_a_failed_scenario_costs_its_own_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(tmp_path, "--rounds", "1", "--seconds", "2") == 1

    assert "no result of bad" in capsys.readouterr().err
    assert "Scenario good." in (tmp_path / "r.md").read_text()
    assert "Scenario bad." not in (tmp_path / "r.html").read_text()
    assert not (tmp_path / "soak.json").exists()


def test_soak_is_measured_when_asked_for_and_reported_when_there(tmp_path: Path) -> None:
    report(tmp_path, "--rounds", "1", "--seconds", "2", "--soak")
    report(tmp_path)

    assert "Scenario soak." in (tmp_path / "r.md").read_text()


def test_what_has_a_result_is_not_measured_again(tmp_path: Path) -> None:
    report(tmp_path, "--rounds", "1", "--seconds", "2")
    report(tmp_path, "--rounds", "1", "--seconds", "3")
    assert results.read(tmp_path / "good.json")["seconds"] == 2
    report(tmp_path, "--rounds", "1", "--seconds", "3", "--fresh")
    assert results.read(tmp_path / "good.json")["seconds"] == 3


def test_peers_of_a_report_are_chosen_where_they_are(tmp_path: Path) -> None:
    report(tmp_path, "--rounds", "1", "--soak", "--peers", "peer-of-soak")

    assert list(results.read(tmp_path / "good.json")["results"]) == ["twopass"]
    assert list(results.read(tmp_path / "soak.json")["results"]) == ["twopass", "peer-of-soak"]


def test_run_writes_where_it_is_told_and_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.json"
    assert cli.main(["run", "good", "--rounds", "2", "--seconds", "1", "--json", str(path)]) == 0

    assert results.read(path)["rounds"]["twopass"] == [{"rate": 1.0}] * 2
    assert "twopass/peer-of-good" in capsys.readouterr().out


def test_mistakes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "nothing"]) == 2
    assert "there are good, bad, soak" in capsys.readouterr().err
    assert cli.main(["run", "bad"]) == 1
    assert "12 pages failed" in capsys.readouterr().err
    assert cli.main(["report", str(tmp_path / "absent.json")]) == 2
    assert "absent.json" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["run", "good", "--seconds", "0"])


def test_missing_peers_do_not_stop_a_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(programs: object) -> None:
        raise RuntimeError("only root may install packages: sudo apt-get install wrk")

    monkeypatch.setattr(peers, "missing", lambda: ["wrk"])
    monkeypatch.setattr(peers, "install", refuse)
    report(tmp_path, "--rounds", "1", "--seconds", "1")

    assert "sudo apt-get install wrk" in capsys.readouterr().err
    assert (tmp_path / "good.json").exists()
    assert cli.main(["peers"]) == 1


def test_the_list_names_everybody(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["list"]) == 0
    assert "twopass, peer-of-good" in capsys.readouterr().out

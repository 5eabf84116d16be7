"""Rounds are interleaved, absent peers are named, false claims are refused."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.provenance import commit
from benchmarks.runner import run
from benchmarks.scenario import NEVER, Bounds, Contestant, Scenario, Unavailable, each

LOG: list[str] = []


def contestant(name: str, missing: str = "") -> Contestant:
    @contextmanager
    def start() -> Iterator[str]:
        if missing:
            raise Unavailable(missing)
        LOG.append(f"start {name}")
        yield name
        LOG.append(f"stop {name}")

    return Contestant(name, "a test", start)


def scenario(*contestants: Contestant, claims: bool = True) -> Scenario:
    def measure(target: str, seconds: float) -> dict[str, float]:
        LOG.append(target)
        return {"rate": seconds}

    def check(name: str, target: str) -> None:
        if not claims:
            raise RuntimeError(f"{name} never hits")

    return Scenario("test", "A test.", contestants, measure, check)


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    LOG.clear()


def silent(_text: str) -> None:
    return


def test_rounds_are_interleaved_and_the_order_turns() -> None:
    compared = scenario(contestant("twopass"), contestant("django"))
    result = run(compared, seconds=2, rounds=2, say=silent)

    assert [
        *("start twopass", "start django"),
        *("twopass", "django", "django", "twopass"),
        *("stop django", "stop twopass"),
    ] == LOG
    assert result.rounds == {"twopass": [{"rate": 2}] * 2, "django": [{"rate": 2}] * 2}


def test_a_result_knows_when_and_from_which_commit_it_is(tmp_path: Path) -> None:
    result = run(scenario(contestant("twopass")), rounds=1, say=silent)

    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", result.began)
    assert re.fullmatch(r"([0-9a-f]{12}( with changes)?)?", result.commit)
    assert commit(tmp_path) == ""
    git = ("git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@shop.example")
    file = tmp_path / "code.py"
    file.write_text("1")
    for command in (("init", "-q"), ("add", "."), ("commit", "-qm", "One")):
        subprocess.run([*git, *command], check=True)
    assert re.fullmatch("[0-9a-f]{12}", commit(tmp_path))
    file.write_text("2")
    assert commit(tmp_path).endswith(" with changes")


def test_an_absent_peer_is_named_and_left_out() -> None:
    compared = scenario(contestant("twopass"), contestant("varnish", missing="apt-get it"))
    result = run(compared, seconds=1, rounds=1, say=silent)

    assert list(result.rounds) == ["twopass"]
    assert result.notes == ["varnish was left out: apt-get it"]


def test_a_cache_that_does_not_hit_is_refused_and_everything_stops() -> None:
    with pytest.raises(RuntimeError, match="never hits"):
        run(scenario(contestant("twopass"), claims=False), say=silent)
    assert LOG == ["start twopass"]


@pytest.mark.parametrize(
    ("claimed", "measured", "accepted"),
    [
        (NEVER, 0.0, True),
        (NEVER, 0.002, False),  # one page in five hundred was a miss
        (NEVER, None, False),
        (each(), 1.05, True),  # pages that were under way when the round ended
        (each(), 0.99, False),  # one in a hundred came out of some cache
        (each(20), 23.0, False),
    ],
)
def test_a_round_that_is_not_what_was_claimed_is_refused(
    claimed: Bounds, measured: float | None, accepted: bool
) -> None:
    row = {} if measured is None else {"origin_requests_per_page": measured}
    cache = replace(contestant("nginx"), claims={"origin_requests_per_page": claimed})
    compared = replace(scenario(cache), measure=lambda target, seconds: row)

    if accepted:
        assert run(compared, rounds=1, say=silent).rounds == {"nginx": [row]}
        return
    with pytest.raises(RuntimeError, match="nginx claims origin_requests_per_page"):
        run(compared, rounds=1, say=silent)


def test_only_chosen_peers_run() -> None:
    compared = scenario(contestant("twopass"), contestant("a"), contestant("b"))

    assert list(run(compared, peers=["b"], rounds=1, say=silent).rounds) == ["twopass", "b"]
    with pytest.raises(ValueError, match="no peer 'c'; it has a, b"):
        run(compared, peers=["c"], say=silent)


def test_progress_tells_how_long_it_will_take() -> None:
    told: list[str] = []
    ticks = iter(range(0, 1000, 40))
    compared = scenario(contestant("twopass"), contestant("django"))
    run(compared, seconds=3, rounds=2, say=told.append, clock=lambda: float(next(ticks)))

    assert [text for text in told if text.startswith("[")] == [
        "[1/4] test: twopass (about 12 s left)",
        "[2/4] test: django (about 2 min 00 s left)",
        "[3/4] test: django (about 1 min 20 s left)",
        "[4/4] test: twopass (about 40 s left)",
    ]


def test_samples_over_time_are_kept() -> None:
    compared = replace(
        scenario(contestant("twopass")), series=lambda target: {target: [(0.0, 1.0)]}
    )

    assert run(compared, rounds=1, say=silent).series == {"twopass": {"twopass": [(0.0, 1.0)]}}


@pytest.mark.parametrize(("busy", "noted"), [(0.5, False), (0.97, True)])
def test_a_load_client_that_bounds_the_result_is_told_of(busy: float, noted: bool) -> None:
    compared = replace(
        scenario(contestant("twopass")), measure=lambda target, seconds: {"client_busy": busy}
    )

    notes = run(compared, rounds=1, say=silent).notes
    assert (notes == [NOTE]) is noted
    assert bool(notes) is noted


NOTE = "twopass: the load client was busy for 97% of the time, so its rate is a lower bound"

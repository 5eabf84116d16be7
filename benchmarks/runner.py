"""Runs a scenario: all up at once, rounds interleaved, so that a noisy minute hits all alike."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Final

from . import machine, provenance
from .results import Measurement, Result
from .scenario import Bounds, Contestant, Scenario, Unavailable

Say = Callable[[str], None]
BUSY: Final = 0.9
"""The share of its core from which a load client bounds what it measures."""


def run(
    scenario: Scenario,
    peers: Sequence[str] | None = None,
    seconds: float | None = None,
    rounds: int | None = None,
    say: Say = lambda text: print(text, file=sys.stderr, flush=True),
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Measure `scenario`, with twopass and `peers` (all by default).

    A peer that cannot run here is named in the notes and left out. Raises ValueError for an unknown
    peer, and RuntimeError when a contestant does not do what it claims.
    """
    chosen = _choose(scenario, peers)
    seconds, rounds = seconds or scenario.seconds, rounds or scenario.rounds
    result = Result(
        scenario.name,
        scenario.what,
        machine.describe(),
        machine.versions(),
        seconds,
        goals=scenario.goals,
        contestants={contestant.name: contestant.what for contestant in chosen},
        commit=provenance.commit(),
        began=provenance.now(),
    )
    claims = {contestant.name: contestant.claims for contestant in chosen}
    with ExitStack() as stack:
        targets = _start(scenario, chosen, stack, result, say)
        total, began = rounds * len(targets), clock()
        for done, name in enumerate(_turns(list(targets), rounds)):
            left = (clock() - began) / done * (total - done) if done else seconds * total
            say(f"[{done + 1}/{total}] {scenario.name}: {name} (about {_told(left)} left)")
            row = scenario.measure(targets[name], seconds)
            _require(name, claims[name], row)
            result.rounds.setdefault(name, []).append(row)
        if scenario.series is not None:
            result.series = {name: scenario.series(target) for name, target in targets.items()}
    result.rounds = {name: result.rounds[name] for name in targets}
    result.notes += _bounded_by_load(result)
    return result


def _require(name: str, claims: Mapping[str, Bounds], row: Measurement) -> None:
    """Raises RuntimeError for a round in which a contestant did something else than it claims."""
    for metric, (least, most) in claims.items():
        if metric not in row or not least <= row[metric] <= most:
            found = f"{row[metric]:.4g}" if metric in row else "not measured"
            raise RuntimeError(
                f"{name} claims {metric} of {least:g} to {most:g}, and it is {found}: refused"
            )


def _bounded_by_load(result: Result) -> list[str]:
    """Who was faster than the load client can ask."""
    return [
        f"{name}: the load client was busy for {busy:.0%} of the time, so its rate is a lower bound"
        for name in result.rounds
        if (busy := result.median(name, "client_busy") or 0.0) > BUSY
    ]


def _turns(names: list[str], rounds: int) -> list[str]:
    """Another order each round: nobody always runs first, on a cool processor."""
    starts = [number % len(names) for number in range(rounds)]
    return [name for start in starts for name in (*names[start:], *names[:start])]


def _told(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _choose(scenario: Scenario, peers: Sequence[str] | None) -> list[Contestant]:
    if peers is None:
        return list(scenario.contestants)
    names = {contestant.name for contestant in scenario.contestants}
    if unknown := set(peers) - names:
        known = ", ".join(sorted(names - {"twopass"}))
        raise ValueError(f"{scenario.name} has no peer {unknown.pop()!r}; it has {known}")
    return [item for item in scenario.contestants if item.name in peers or item.name == "twopass"]


def _start(
    scenario: Scenario, chosen: list[Contestant], stack: ExitStack, result: Result, say: Say
) -> dict[str, str]:
    targets: dict[str, str] = {}
    for contestant in chosen:
        say(f"starting {contestant.name} ({contestant.what})")
        try:
            targets[contestant.name] = stack.enter_context(contestant.start())
        except Unavailable as reason:
            result.notes.append(f"{contestant.name} was left out: {reason}")
            say(f"left out {contestant.name}: {reason}")
            continue
        scenario.check(contestant.name, targets[contestant.name])
    if not targets:
        raise RuntimeError("no contestant could be started")
    return targets

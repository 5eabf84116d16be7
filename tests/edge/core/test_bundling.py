"""Who goes alone: fragments that are known to hold others back, and only those."""

from __future__ import annotations

import pytest

from edge.core.bundling import FORGET, Rendered, Slowness, first_seen, split, who_held
from edge.renderings import Renderings, name_of
from fragments.include import Include
from fragments.signing import Keyring

BOUND = 0.02


def come(*frames: tuple[float, float]) -> list[Rendered]:
    """Frames that arrived at such a time after such a rendering, in milliseconds."""
    return [
        Rendered(str(number), arrived / 1000, took / 1000)
        for number, (arrived, took) in enumerate(frames)
    ]


@pytest.mark.parametrize(
    ("frames", "held"),
    [
        pytest.param(come(), [], id="none"),
        pytest.param(come((50, 50)), [None], id="who comes alone shows nothing"),
        pytest.param(
            come((50, 50), (100, 50), (150, 50)), [True, True, None], id="one after another"
        ),
        pytest.param(
            come((53, 50), (104, 50), (161, 50)), [True, True, None], id="the same over a network"
        ),
        pytest.param(come((50, 50), (50, 50), (50, 50)), [False] * 3, id="together"),
        pytest.param(come((50, 50), (58, 50), (51, 50)), [False] * 3, id="together, some late"),
        pytest.param(come((5, 5), (90, 90), (5, 5)), [False, None, False], id="one of them slow"),
        pytest.param(come((50, 50), (51, 1)), [True, None], id="a slow one before a quick one"),
        pytest.param(come((1, 1), (51, 50)), [True, None], id="the slow one last"),
        pytest.param(
            come((50, 50), (50, 50), (100, 50), (100, 50)),
            [True, True, False, False],
            id="a pool of two threads",
        ),
    ],
)
def test_who_held_others_back(frames: list[Rendered], held: list[bool | None]) -> None:
    assert who_held(frames) == held


@pytest.mark.parametrize(
    ("page", "limit", "bundles"),
    [
        pytest.param("", 4, [], id="nothing to ask for"),
        pytest.param("a1 b1", 4, ["a1 b1"], id="all quick"),
        pytest.param("a1 S50 b1", 4, ["a1 b1", "S50"], id="a slow one goes alone"),
        pytest.param("S50", 4, ["S50"], id="it is alone anyway"),
        pytest.param("S50 T50", 4, ["S50", "T50"], id="no bundle for nobody"),
        pytest.param("a1 S50 T60 b1", 4, ["a1 b1", "T60", "S50"], id="each its own"),
        pytest.param(
            "S50 T90 a1 U50", 3, ["a1", "T90", "S50 U50"], id="more than bundles: evened out"
        ),
        pytest.param("S50 T50 U50 V50", 2, ["S50 U50", "T50 V50"], id="in the page's order"),
        pytest.param("a1 S50", 1, ["a1 S50"], id="switched off"),
        pytest.param("S50 T50", 1, ["S50 T50"], id="switched off, all slow"),
        pytest.param("a19.9 S20", 4, ["a19.9", "S20"], id="the bound itself is slow"),
        pytest.param("a1 S50 b1", 2, ["a1 b1", "S50"], id="the first bundle counts"),
    ],
)
def test_pages_in_bundles(page: str, limit: int, bundles: list[str]) -> None:
    found = split(page.split(), lambda ask: float(ask[1:]) / 1000, BOUND, limit)

    assert [" ".join(bundle) for bundle in found] == bundles
    assert len(found) <= limit


def test_nothing_is_asked_twice_or_lost() -> None:
    asks = [
        f"{name}{seconds}"
        for name, seconds in zip("abcdefgh", [1, 90, 3, 50, 50, 2, 70, 20], strict=True)
    ]
    for limit in range(1, 10):
        found = split(asks, lambda ask: float(ask[1:]) / 1000, BOUND, limit)
        assert sorted(ask for bundle in found for ask in bundle) == sorted(asks)


def test_one_observation_counts_and_later_ones_fade_it() -> None:
    known = first_seen(0.1, True, 0.0)
    assert known.holding(1.0) == 0.1

    for _ in range(2):
        known = known.learned(0.02, False, 1.0)
    assert 0.06 < known.seconds < 0.1
    assert known.holding(1.0) > 0
    known = known.learned(0.02, False, 1.0)
    assert known.holding(1.0) == 0


def test_who_goes_alone_stays_known_for_a_while_and_is_then_seen_anew() -> None:
    known: Slowness = first_seen(0.1, True, 0.0)
    for moment in range(0, int(FORGET), 10):
        known = known.learned(0.1, None, float(moment))
        assert known.holding(float(moment)) > 0

    assert known.holding(FORGET) == 0
    assert known.learned(0.1, True, FORGET).holding(FORGET + 1) > 0


def test_a_fragment_is_known_by_its_name_whatever_its_arguments() -> None:
    keyring = Keyring(["a-secret-of-the-tests-long-enough-to-be-one"])
    one, other = (Include.of("fragment", "also", {"product": n}).token(keyring) for n in (1, 2))
    assert name_of(one, keyring) == name_of(other, keyring) == "fragment:also"
    assert name_of(one, Keyring(["b-secret-of-the-tests-long-enough-to-be-one"])) == ""


def test_what_was_learned_is_found_again() -> None:
    renderings = Renderings()
    renderings.learn([Rendered("slow", 10.05, 0.05), Rendered("quick", 10.051, 0.001)], 10.0)

    assert renderings.holding("slow", 10.0) == 0.05
    assert renderings.holding("quick", 10.0) == 0
    assert renderings.holding("never seen", 10.0) == 0


def test_places_of_one_fragment_stay_apart_once_they_are_known() -> None:
    """The last one in each bundle holds back nobody, which says nothing against the others."""
    renderings = Renderings()
    for page in range(50):
        held = renderings.holding("slow", 0.0)
        assert (held > 0) is (page > 0)
        bundles = split(range(5), lambda _, held=held: held, BOUND, 4)  # type: ignore[misc]
        for bundle in bundles:
            frames = [Rendered("slow", (n + 1) * 0.05, 0.05) for n in range(len(bundle))]
            renderings.learn(frames, 0.0)

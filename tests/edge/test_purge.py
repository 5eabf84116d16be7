"""The fence: what was fetched before an invalidation is not stored after it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.purge import Fence, Invalidation, Labels

URLS = ("http://shop/a", "http://shop/a/b", "http://shop/b")
GROUPS = ("g1", "g2")
invalidations = st.builds(
    Invalidation,
    urls=st.lists(st.sampled_from(URLS), max_size=2).map(tuple),
    groups=st.lists(st.sampled_from(GROUPS), max_size=2).map(tuple),
    prefixes=st.lists(st.sampled_from(("http://shop/a", "http://shop/")), max_size=1).map(tuple),
    everything=st.booleans(),
)
labels = st.builds(
    Labels, st.sampled_from(URLS), st.lists(st.sampled_from(GROUPS), max_size=2).map(tuple)
)


def concerns(invalidation: Invalidation, label: Labels) -> bool:
    return (
        invalidation.everything
        or label.url in invalidation.urls
        or bool(set(label.groups) & set(invalidation.groups))
        or any(label.url.startswith(prefix) for prefix in invalidation.prefixes)
    )


PAGE = Labels("http://shop/a/b", ("g1", "g2"))


@pytest.mark.parametrize(
    ("invalidation", "may_store"),
    [
        (Invalidation(urls=("http://shop/a/b",)), False),
        (Invalidation(urls=("http://shop/a",)), True),
        (Invalidation(groups=("g2",)), False),
        (Invalidation(groups=("g3",)), True),
        (Invalidation(prefixes=("http://shop/a",)), False),
        (Invalidation(prefixes=("http://shop/b",)), True),
        (Invalidation(everything=True), False),
    ],
)
def test_a_fill_in_flight_runs_into_what_concerns_it(
    invalidation: Invalidation, may_store: bool
) -> None:
    fence = Fence()
    began = fence.position
    fence.advance(invalidation)

    assert fence.may_store(PAGE, since=began) is may_store
    assert fence.may_store(PAGE, since=fence.position)


@given(st.lists(invalidations, max_size=8), labels, st.integers(0, 8))
def test_a_fill_is_stored_only_if_nothing_since_concerns_it(
    history: list[Invalidation], label: Labels, start: int
) -> None:
    fence = Fence()
    for invalidation in history:
        fence.advance(invalidation)
    start = min(start, len(history))

    expected = not any(concerns(invalidation, label) for invalidation in history[start:])
    assert fence.may_store(label, since=start) == expected


@given(st.lists(invalidations, max_size=20), labels, st.integers(0, 20))
def test_a_fence_that_forgets_errs_on_the_safe_side(
    history: list[Invalidation], label: Labels, start: int
) -> None:
    exact, small = Fence(), Fence(limit=1)
    for invalidation in history:
        exact.advance(invalidation)
        small.advance(invalidation)
    start = min(start, len(history))

    if small.may_store(label, since=start):
        assert exact.may_store(label, since=start)


def test_memory_is_bounded() -> None:
    fence = Fence(limit=100)
    for number in range(1000):
        fence.advance(Invalidation(groups=(f"g{number}",), prefixes=(f"http://shop/{number}",)))

    assert len(fence._names) == 100
    assert fence.floor == 900
    assert not fence.may_store(Labels("http://other/"), since=899)
    assert fence.may_store(Labels("http://other/"), since=901)


@given(invalidations)
def test_the_json_form_round_trips(invalidation: Invalidation) -> None:
    if not invalidation.is_empty:
        assert Invalidation.from_json(invalidation.to_json()) == invalidation

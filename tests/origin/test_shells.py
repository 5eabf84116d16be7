"""Shells in a Django cache: kept, aged, and dropped by what matches them."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import caches

from fragments.shell import Shell
from origin import shells
from origin.conf import get_settings
from origin.shells import PageKey

pytestmark = pytest.mark.usefixtures("shop")

URL = "https://shop.example/shoes/?page=2"
KEY = PageKey(URL, (("currency", "EUR"),), "")


def shell(**changes: Any) -> Shell:
    return Shell(
        **{
            "status": 200,
            "headers": (),
            "body": (b"shoes",),
            "max_age": 60.0,
            "groups": ("shoes",),
            **changes,
        }
    )


def keep(key: PageKey = KEY, began: int | None = None, **changes: Any) -> None:
    conf = get_settings()
    shells.store(key, shell(**changes), shells.begin(conf) if began is None else began, conf)


def held(key: PageKey = KEY) -> Shell | None:
    found = shells.lookup(key, get_settings())
    return None if found is None else found.shell


def test_what_is_kept_is_found() -> None:
    assert held() is None
    keep()
    assert held() == shell()


@pytest.mark.parametrize(
    "other",
    [
        PageKey("https://shop.example/shoes/?page=3", KEY.values, ""),
        PageKey("http://shop.example/shoes/?page=2", KEY.values, ""),
        PageKey("https://other.example/shoes/?page=2", KEY.values, ""),
        PageKey(URL, (("currency", "USD"),), ""),
        PageKey(URL, (), ""),
        PageKey(URL, KEY.values, "release 2"),
        PageKey(URL + "\0", (("currency", "USD"),), ""),
    ],
)
def test_another_page_is_another_key(other: PageKey) -> None:
    keep()
    assert held(other) is None


@pytest.mark.parametrize(
    "purge",
    [
        {"groups": ["shoes"]},
        {"groups": ["hats", "shoes"]},
        {"urls": [URL]},
        {"urls": ["https://shop.example/shoes/"]},
        {"urls": ["HTTPS://Shop.example:443/%73hoes/"]},
        {"prefixes": ["https://shop.example/sh"]},
        {"everything": True},
        {"prefixes": [f"https://shop.example/{number}" for number in range(200)]},
    ],
)
def test_an_invalidation_that_matches_drops_it(purge: dict[str, Any]) -> None:
    keep()
    shells.invalidate(**purge)
    assert held() is None
    keep()
    assert held() is not None


@pytest.mark.parametrize(
    "purge",
    [
        {"groups": ["hats", "shoe"]},
        {"urls": ["https://shop.example/shoes/?page=1", "https://shop.example/"]},
        {"prefixes": ["https://shop.example/shoes/x", "http://shop.example/"]},
        {},
    ],
)
def test_one_that_does_not_match_keeps_it(purge: dict[str, Any]) -> None:
    keep()
    shells.invalidate(**purge)
    assert held() is not None


def test_a_filling_that_was_overtaken_is_not_used() -> None:
    began = shells.begin(get_settings())
    shells.invalidate(groups=["shoes"])
    keep(began=began)
    assert held() is None


def test_an_evicted_clock_does_not_bring_old_shells_back() -> None:
    began = shells.begin(get_settings())
    caches["shells"].delete("twopass:clock")
    shells.invalidate(groups=["shoes"])
    keep(began=began)
    assert held() is None


def test_age_decides_what_it_is_good_for() -> None:
    keep(max_age=60.0, stale_if_error=100.0)
    found = shells.lookup(KEY, get_settings())
    assert found is not None
    assert found.is_fresh
    old = shells.HeldShell(found.shell, 61.0)
    assert (old.is_fresh, old.may_cover_error) == (False, True)
    assert not shells.HeldShell(found.shell, 161.0).may_cover_error


def test_without_a_cache_nothing_is_kept(settings: Any) -> None:
    settings.TWOPASS = {**settings.TWOPASS, "CACHE": ""}
    keep()
    shells.invalidate(everything=True)
    assert held() is None


def test_a_shell_sealed_with_a_dropped_secret_is_forgotten(settings: Any) -> None:
    keep()
    settings.TWOPASS = {**settings.TWOPASS, "SECRET": "another-secret-that-is-long-enough-too"}
    assert held() is None


@pytest.mark.parametrize(
    ("purge", "mark"),
    [
        ({"everything": True}, "twopass:purged:all"),
        ({"prefixes": [URL[:25]]}, "twopass:purged:prefixes"),
        ({"groups": ["shoes"]}, shells._group_key("shoes")),
        ({"urls": [URL]}, shells._url_key(URL)),
        ({"urls": [URL[:-7]]}, shells._url_key(URL[:-7])),
    ],
)
def test_an_evicted_mark_does_not_bring_old_shells_back(purge: dict[str, Any], mark: str) -> None:
    """Caches in a database or in files drop marks long before the shells that depend on them."""
    keep()
    shells.invalidate(**purge)
    assert caches["shells"].delete(mark)
    assert held() is None

    # another variant, which depends on the same marks, makes them anew
    keep(PageKey(URL, (("currency", "USD"),), ""))
    assert caches["shells"].get(mark) is not None
    assert held() is None
    keep()
    assert held() is not None


def test_prefixes_that_cannot_be_noted_purge_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes that add to the list at once would lose the prefixes of one."""
    keep()
    caches["shells"].set("twopass:purging", 1)
    shells.invalidate(prefixes=["https://elsewhere.example/"])
    assert held() is None


def test_the_latest_position_of_lately_counts() -> None:
    conf = get_settings()
    assert shells.min_lsn(conf) is None
    for lsn in ("0/20", "1/5", "0/FF"):
        shells.invalidate(groups=["shoes"], lsn=lsn)
    assert shells.min_lsn(conf) == "1/5"


def test_who_begins_while_a_purge_is_noted_is_overtaken_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They may not have found the position yet."""
    conf, cache = get_settings(), caches["shells"]
    began: list[tuple[int, str | None]] = []
    original = type(cache).set

    def late(self: Any, key: str, *args: Any, **kwargs: Any) -> Any:
        if key.startswith("twopass:lsn:"):
            began.append((shells.begin(conf), shells.min_lsn(conf)))
        return original(self, key, *args, **kwargs)

    monkeypatch.setattr(type(cache), "set", late)
    shells.invalidate(groups=["shoes"], lsn="0/20")
    ((at, position),) = began
    assert position is None
    keep(began=at)
    assert held() is None

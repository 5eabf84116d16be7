from __future__ import annotations

import http_sf
import pytest

from edge.core.cache_status import CacheStatus, Forward, append, hit, keyed


def test_every_parameter_of_a_forwarded_request() -> None:
    status = CacheStatus(
        fwd=Forward.STALE,
        fwd_status=304,
        ttl=-3,
        stored=True,
        collapsed=True,
        key=b"https://a/\n\nx",
        detail="no-store",
    )

    assert status.serialise("twopass") == (
        b'twopass;fwd=stale;fwd-status=304;ttl=-3;stored;collapsed;key="https://a/  x"'
        b";detail=no-store"
    )
    assert not status.is_hit


def test_a_hit() -> None:
    status = CacheStatus(ttl=30)

    assert status.is_hit
    assert status.serialise("twopass") == b"twopass;hit;ttl=30" == hit(b"twopass", 30)


def test_a_name_that_is_no_token_is_a_string() -> None:
    assert CacheStatus().serialise("edge 1") == b'"edge 1";hit'


@pytest.mark.parametrize("untruth", [{"stored": True}, {"collapsed": True}, {"fwd_status": 200}])
def test_a_hit_cannot_claim_what_only_a_forward_does(untruth: dict[str, bool | int]) -> None:
    with pytest.raises(ValueError, match="forwarded"):
        CacheStatus(**untruth)  # type: ignore[arg-type]


@pytest.mark.parametrize("reason", list(Forward))
def test_what_is_written_parses(reason: Forward) -> None:
    value = CacheStatus(fwd=reason, key='"\u00e9\\'.encode(), detail="a b").serialise("twopass")

    (name, parameters), *rest = http_sf.parse(value, tltype="list")
    assert not rest
    assert str(name) == "twopass"
    assert str(parameters["fwd"]) == reason.value


def test_caches_nearer_the_origin_come_first() -> None:
    assert append(b"cdn; hit", b"twopass;hit") == b"cdn; hit, twopass;hit"
    assert append(None, b"twopass;hit") == b"twopass;hit"


def test_the_last_member_names_the_url_whatever_is_in_it() -> None:
    value = keyed(b"cdn; hit, twopass;hit;ttl=3", b'https://a/"x\\,y?fwd=bypass')

    (_, inner), (_, outer) = http_sf.parse(value, tltype="list")
    assert "key" not in inner
    assert outer["key"] == 'https://a/"x\\,y?fwd=bypass'

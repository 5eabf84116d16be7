"""The manifest means the same on both sides, and only the origin can make one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments.codec import pack
from fragments.dimensions import Dimension
from fragments.errors import WireError
from fragments.manifest import CookieSpec, Manifest, Route
from fragments.signing import Keyring

MANIFEST = Manifest(
    session_cookie="sessionid",
    csrf_cookie=CookieSpec("csrftoken", 31449600, ".shop.example", "/", True, False, "Lax"),
    dimensions=(Dimension("currency", "cookie", "currency", ("EUR", "USD"), "EUR"),),
    routes=(Route("^/product/[0-9]+/$", ("currency",), ("page",), gate=True), Route("^/$")),
    ignorable_query=("utm_*", "gclid"),
    bypass_cookies=("preview",),
    varying_headers=("hx-request",),
    release="2026-11-24",
)


def test_the_wire_form_round_trips(keyring: Keyring) -> None:
    assert Manifest.decode(MANIFEST.encode(keyring), keyring) == MANIFEST


def test_tokens_in_sessions_have_no_cookie(keyring: Keyring) -> None:
    manifest = Manifest(session_cookie="sessionid", csrf_cookie=None)

    assert Manifest.decode(manifest.encode(keyring), keyring) == manifest


@given(st.binary(max_size=200))
def test_any_bytes_are_no_manifest(data: bytes) -> None:
    ring = Keyring(["a-secret-that-only-tests-know-0123456789"])

    with pytest.raises(WireError):
        Manifest.decode(data, ring)
    with pytest.raises(WireError):
        Manifest.decode(ring.seal("manifest", data), ring)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"v": 9}, "version"),
        ({"routes": [{"pattern": "(", "dimensions": [], "query": None, "gate": False}]}, "type"),
        ({"routes": [None] * 4097}, "size"),
        ({"csrf_cookie": {"name": 1}}, "type"),
        ({"session_cookie": None}, "type"),
    ],
)
def test_a_wrong_manifest_is_refused(
    keyring: Keyring, change: dict[str, object], code: str
) -> None:
    document: dict[str, object] = {
        "v": 1, "session_cookie": "sessionid", "csrf_cookie": None, "dimensions": [], "routes": [],
        "ignorable_query": [], "bypass_cookies": [], "varying_headers": [], "release": "",
    }  # fmt: skip
    Manifest.decode(keyring.seal("manifest", pack(document)), keyring)

    with pytest.raises(WireError) as error:
        Manifest.decode(keyring.seal("manifest", pack(document | change)), keyring)
    assert error.value.code == code

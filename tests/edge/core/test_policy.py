from __future__ import annotations

import pytest
from heads import NOW, answer, assessed, fields, get

from edge.core.directives import RequestDirectives
from edge.core.freshness import FreshnessRules
from edge.core.policy import (
    CachePolicy,
    Refusal,
    Reuse,
    assess,
    may_replace_error,
    reuse,
    reuse_as_asked,
)


class TestStoring:
    @pytest.mark.parametrize(
        "response",
        [
            "Cache-Control: max-age=60",
            "Cache-Control: s-maxage=60",
            "Expires: Wed, 15 Nov 2023 22:13:20 GMT",
            'Cache-Control: no-cache\nETag: "a"',
            'Cache-Control: max-age=0\nETag: "a"',
            'Cache-Control: public\nETag: "a"',
            "Cache-Control: private, max-age=60\nCDN-Cache-Control: max-age=60",
            "Cache-Control: no-store\nSurrogate-Control: max-age=60",
            "Cache-Control: max-age=60, unknown=1",
            "Cache-Control: max-age=60, no-store, must-understand",
        ],
    )
    def test_stored(self, response: str) -> None:
        assert assessed(response).refusal is None

    @pytest.mark.parametrize(
        ("response", "refusal"),
        [
            ("", Refusal.NO_FRESHNESS),
            ('ETag: "a"', Refusal.NO_FRESHNESS),
            ("Cache-Control: max-age=0", Refusal.NO_FRESHNESS),
            ("Cache-Control: no-cache", Refusal.NO_FRESHNESS),
            ("Cache-Control: max-age=60\nAge: 60", Refusal.NO_FRESHNESS),
            ("Cache-Control: no-store, max-age=60", Refusal.NO_STORE),
            ("Cache-Control: private, max-age=60", Refusal.PRIVATE),
            ("Cache-Control: max-age=60\nCDN-Cache-Control: no-store", Refusal.NO_STORE),
            ("Cache-Control: max-age=60\nSurrogate-Control: no-store", Refusal.NO_STORE),
            ("Cache-Control: max-age=60\nVary: *", Refusal.VARY),
            ("Cache-Control: max-age=60\nSet-Cookie: a=b", Refusal.SET_COOKIE),
        ],
    )
    def test_not_stored(self, response: str, refusal: Refusal) -> None:
        assert assessed(response).refusal is refusal

    @pytest.mark.parametrize("status", [200, 203, 204, 299, 301, 302, 404, 410, 500, 503, 599])
    def test_explicit_freshness_stores_final_statuses(self, status: int) -> None:
        assert assessed("Cache-Control: max-age=60", status=status).refusal is None

    @pytest.mark.parametrize("status", [301, 302, 404, 410, 500])
    def test_errors_and_redirects_need_it(self, status: int) -> None:
        response = "Last-Modified: Mon, 13 Nov 2023 22:13:20 GMT"

        assert assessed(response, status=status).refusal is Refusal.NO_FRESHNESS

    @pytest.mark.parametrize("status", [400, 405, 413, 414, 421, 428, 429, 431, 501, 511])
    def test_answers_that_blame_one_request_are_never_stored(self, status: int) -> None:
        response = "Cache-Control: public, max-age=60"

        assert assessed(response, status=status).refusal is Refusal.STATUS

    @pytest.mark.parametrize("status", [100, 103, 206, 304])
    def test_parts_and_interim_answers_are_never_stored(self, status: int) -> None:
        assert assessed("Cache-Control: max-age=60", status=status).refusal is not None

    @pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "OPTIONS", "QUERY", "get"])
    def test_only_get_is_stored(self, method: str) -> None:
        request = get(method=method)
        found = assess(request, answer("Cache-Control: max-age=60"), NOW, NOW, CachePolicy())

        assert found.refusal is Refusal.METHOD

    def test_must_understand_needs_understanding(self) -> None:
        response = "Cache-Control: max-age=60, no-store, must-understand"

        assert assessed(response, status=599).refusal is Refusal.STATUS

    @pytest.mark.parametrize("permission", ["public", "must-revalidate", "s-maxage=60"])
    def test_authorization_needs_permission(self, permission: str) -> None:
        request = "Authorization: Bearer x"

        assert assessed("Cache-Control: max-age=60", request).refusal is Refusal.AUTHORIZATION
        allowed = assessed(f"Cache-Control: max-age=60, {permission}", request)
        assert allowed.refusal is None
        assert allowed.facts.serves_authorized

    def test_cookies_are_stored_where_the_operator_says_so(self) -> None:
        policy = CachePolicy(stores_set_cookie=True)
        found = assessed("Cache-Control: max-age=60\nSet-Cookie: a=b", policy=policy)

        assert found.refusal is None
        assert (b"set-cookie", b"a=b") in found.headers

    def test_heuristics_store_pictures(self) -> None:
        response = "Last-Modified: Mon, 13 Nov 2023 22:13:20 GMT\nContent-Type: image/png"

        assert assessed(response).refusal is None
        off = CachePolicy(freshness=FreshnessRules(heuristic_fraction=0))
        assert assessed(response, policy=off).refusal is Refusal.NO_FRESHNESS

    def test_fields_named_by_no_cache_and_private_are_not_kept(self) -> None:
        found = assessed(
            'Cache-Control: max-age=60, no-cache="x-a", private="x-b"\nX-A: 1\nX-B: 2\nX-C: 3\n'
            "Connection: x-d\nX-D: 4\nAge: 1"
        )

        assert [name for name, _ in found.headers] == [b"cache-control", b"x-c"]


class TestReuse:
    def test_fresh_then_stale(self) -> None:
        facts = assessed("Cache-Control: max-age=60").facts

        assert reuse(facts, NOW + 59.9) is Reuse.FRESH
        assert reuse(facts, NOW + 60) is Reuse.VALIDATE
        assert facts.ttl(NOW + 10) == 50
        assert facts.ttl(NOW + 70) == -10

    def test_age_uses_up_freshness(self) -> None:
        facts = assessed("Cache-Control: max-age=60\nAge: 50").facts

        assert facts.age(NOW + 5) == 55
        assert reuse(facts, NOW + 10) is Reuse.VALIDATE

    def test_no_cache_always_validates(self) -> None:
        facts = assessed('Cache-Control: no-cache, max-age=60\nETag: "a"').facts

        assert reuse(facts, NOW) is Reuse.VALIDATE

    def test_stale_while_revalidate(self) -> None:
        facts = assessed("Cache-Control: max-age=60, stale-while-revalidate=30").facts

        assert reuse(facts, NOW + 89) is Reuse.STALE_WHILE_REVALIDATE
        assert reuse(facts, NOW + 90) is Reuse.VALIDATE

    def test_stale_if_error(self) -> None:
        facts = assessed("Cache-Control: max-age=60, stale-if-error=30").facts

        assert reuse(facts, NOW + 61) is Reuse.VALIDATE
        assert may_replace_error(facts, NOW + 89)
        assert not may_replace_error(facts, NOW + 90)

    def test_grace_adds_to_what_does_not_forbid_it(self) -> None:
        policy = CachePolicy(grace=100)

        assert may_replace_error(
            assessed("Cache-Control: max-age=60", policy=policy).facts, NOW + 150
        )
        for forbidding in ("must-revalidate", "proxy-revalidate", "s-maxage=60"):
            facts = assessed(f"Cache-Control: max-age=60, {forbidding}", policy=policy).facts
            assert not may_replace_error(facts, NOW + 61), forbidding

    @pytest.mark.parametrize("forbidding", ["no-cache", "must-revalidate", "proxy-revalidate"])
    def test_stale_windows_do_not_beat_a_prohibition(self, forbidding: str) -> None:
        facts = assessed(
            "Cache-Control: max-age=60, stale-while-revalidate=30, stale-if-error=30, "
            f'{forbidding}\nETag: "a"'
        ).facts

        assert reuse(facts, NOW + 61) is Reuse.VALIDATE
        assert not may_replace_error(facts, NOW + 61)

    def test_the_origins_own_window_holds_beside_s_maxage(self) -> None:
        facts = assessed("Cache-Control: s-maxage=60, stale-while-revalidate=30").facts

        assert reuse(facts, NOW + 61) is Reuse.STALE_WHILE_REVALIDATE

    def test_surrogate_control_extends(self) -> None:
        facts = assessed("Surrogate-Control: max-age=60+30").facts

        assert reuse(facts, NOW + 89) is Reuse.STALE_WHILE_REVALIDATE


class TestRequestDirectivesObeyed:
    FACTS = assessed("Cache-Control: max-age=60").facts

    def asked(self, now: float, **directives: float | bool) -> Reuse:
        return reuse_as_asked(self.FACTS, now, RequestDirectives(**directives))  # type: ignore[arg-type]

    def test_no_cache_and_max_age_validate(self) -> None:
        assert self.asked(NOW + 1, no_cache=True) is Reuse.VALIDATE
        assert self.asked(NOW + 10, max_age=5) is Reuse.VALIDATE
        assert self.asked(NOW + 4, max_age=5) is Reuse.FRESH

    def test_min_fresh(self) -> None:
        assert self.asked(NOW + 30, min_fresh=31) is Reuse.VALIDATE
        assert self.asked(NOW + 30, min_fresh=30) is Reuse.FRESH

    def test_max_stale(self) -> None:
        assert self.asked(NOW + 65, max_stale=5) is Reuse.STALE_WHILE_REVALIDATE
        assert self.asked(NOW + 66, max_stale=5) is Reuse.VALIDATE

    def test_max_stale_does_not_overrule_the_origin(self) -> None:
        facts = assessed("Cache-Control: max-age=60, must-revalidate").facts

        assert reuse_as_asked(facts, NOW + 61, RequestDirectives(max_stale=9)) is Reuse.VALIDATE


def test_fields_is_a_mirror_of_the_wire() -> None:
    assert fields("A: b\nA: c") == [(b"a", b"b"), (b"a", b"c")]

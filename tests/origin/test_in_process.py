"""Both passes in one process: no edge in front, the same pages."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client, override_settings

from fragments.csrf import unmask
from origin import counters, shells
from tests.origin import edge_side
from tests.origin.shop.calls import CALLS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


def twopass(**changes: Any) -> override_settings:
    """The shop's TWOPASS with some keys changed."""
    return override_settings(TWOPASS={**django_settings.TWOPASS, **changes})


def html(response: Any) -> str:
    assert response.status_code == 200, (response.status_code, response.content[:500])
    text: str = response.content.decode()
    assert "[[2p:" not in text
    return text


@pytest.fixture
def member() -> User:
    return User.objects.create_user("Ann", password="x")


def tokens_in(text: str) -> set[str | None]:
    return {unmask(run) for run in edge_side._runs(text)}


def test_the_view_runs_once_and_every_visitor_gets_their_own_parts(
    client: Client, member: User
) -> None:
    ann = Client()
    ann.force_login(member)

    nobody, hers = html(client.get("/product/1/")), html(ann.get("/product/1/"))

    assert CALLS["product"] == 1
    assert "Hello" not in nobody
    assert "for nobody" in nobody
    assert "Hello Ann" in hers
    assert "for Ann" in hers


def test_tokens_are_the_visitors_and_posts_with_them_are_accepted() -> None:
    client = Client(enforce_csrf_checks=True)
    text = html(client.get("/product/1/"))
    secret = client.cookies["csrftoken"].value
    assert tokens_in(text) == {secret}
    token = next(iter(edge_side._runs(text)))

    accepted = client.post("/add/", {"csrfmiddlewaretoken": token})
    refused = Client(enforce_csrf_checks=True).post("/add/", {"csrfmiddlewaretoken": token})

    assert accepted.status_code == 302
    assert refused.status_code == 403


def test_a_returning_visitor_keeps_their_secret_even_in_the_legacy_form() -> None:
    from fragments.csrf import mask

    client = Client()
    client.cookies["csrftoken"] = mask("k" * 32, bytes(range(32))).decode()

    assert tokens_in(html(client.get("/product/1/"))) == {"k" * 32}


@pytest.mark.parametrize(
    "path",
    [
        "/product/1/",
        "/method/",
        "/urlconf/",
        "/function/",
        "/async/",
        "/async-class/",
        "/cached/",
        "/late/",
        "/fragments/basket,outer,form/",
        "/en/story/",
        "/login/",
    ],
)
@pytest.mark.parametrize("visitor", ["nobody", "basket", "member"])
def test_off_in_process_and_by_bundle_the_bodies_are_the_same(
    path: str, visitor: str, member: User
) -> None:
    client = Client()
    client.cookies["csrftoken"] = edge_side.SECRET
    if visitor == "basket":
        client.cookies["basket"] = "7 hats"
    if visitor == "member":
        client.force_login(member)
        client.cookies["csrftoken"] = edge_side.SECRET
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}

    with twopass(ENABLED=False):
        off = edge_side.without_tokens(html(client.get(path)), edge_side.SECRET)
    two = edge_side.without_tokens(html(client.get(path)), edge_side.SECRET)
    again = edge_side.without_tokens(html(client.get(path)), edge_side.SECRET)

    assert two == off
    assert again == off
    if path not in ("/late/", "/login/"):
        assert edge_side.page(path, cookies) == off


def test_english_and_german_pages_alternate_and_never_mix() -> None:
    middleware = list(django_settings.MIDDLEWARE)
    middleware.insert(4, "django.middleware.locale.LocaleMiddleware")
    days = {"en": ("Monday", "Tuesday"), "de": ("Montag", "Dienstag")}
    with override_settings(MIDDLEWARE=middleware):
        client = Client(headers={"Accept-Language": "de"})
        for language in ("en", "de", "en", "de"):
            text = html(client.get(f"/{language}/story/"))
            assert f"<h1>{days[language][0]}</h1><p>{days[language][1]}</p>" in text
            assert edge_side.page(f"/{language}/story/").count(days[language][1]) == 1
        for enabled in (True, False):
            with twopass(ENABLED=enabled):
                assert "<p>Dienstag</p>" in html(client.get("/de/story/"))


@pytest.mark.parametrize("path", ["/async/", "/product/1/", "/login/"])
async def test_under_asgi_too(path: str) -> None:
    from django.test import AsyncClient

    with twopass(ENABLED=False):
        off = html(await AsyncClient().get(path))
    first, second = html(await AsyncClient().get(path)), html(await AsyncClient().get(path))

    def plain(text: str) -> str:
        for run in edge_side._runs(text):
            text = text.replace(run, "TOKEN")
        return text

    assert plain(first) == plain(second) == plain(off)
    assert "Basket: empty" in first


def test_messages_are_shown_once(client: Client) -> None:
    client.post("/add/")

    first, second = html(client.get("/product/1/")), html(client.get("/product/1/"))

    assert "<li>Added to basket</li>" in first
    assert "Added" not in second
    assert CALLS["product"] == 1


@pytest.mark.parametrize("enabled", [True, False])
def test_messages_of_an_unmarked_page_are_shown_in_it_and_once(
    client: Client, enabled: bool
) -> None:
    with twopass(ENABLED=enabled):
        here = html(client.post("/add/?stay=1"))
        later = html(client.get("/product/1/"))

    assert "<li>Added to basket</li>" in here
    assert "Added" not in later


@pytest.mark.parametrize("enabled", [True, False])
def test_a_marked_view_takes_posts_in_one_pass(client: Client, enabled: bool) -> None:
    with twopass(ENABLED=enabled):
        answer = html(client.post("/comment/", {"text": "fine"}))
        later = html(client.get("/comment/"))

    assert "got fine" in answer
    assert "<li>Thanks</li>" in answer
    assert "Thanks" not in later


def test_a_cache_block_around_a_form_and_a_fragment_holds_nobodys_bytes(member: User) -> None:
    first, second = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    first.cookies["basket"], second.cookies["basket"] = "hats", "shoes"

    with twopass(ENABLED=False):
        one = html(first.get("/cached/"))
    two = html(second.get("/cached/"))

    assert "Basket: hats" in one
    assert "hats" not in two
    assert "Basket: shoes" in two
    assert tokens_in(one) == {first.cookies["csrftoken"].value}
    assert tokens_in(two) == {second.cookies["csrftoken"].value}


def test_ignorable_parameters_reach_neither_key_nor_view(client: Client) -> None:
    plain = html(client.get("/echo/?a=1"))

    assert html(client.get("/echo/?utm_source=mail&a=1&gclid=x")) == plain
    with twopass(ENABLED=False):
        assert html(client.get("/echo/?utm_source=mail&a=1&gclid=x")).startswith("a=1|")
    assert plain.startswith("a=1|")
    assert CALLS["echo"] == 2


def test_declared_parameters_are_the_only_ones(client: Client) -> None:
    html(client.get("/product/1/?page=2"))
    html(client.get("/product/1/?page=2&noise=1"))
    assert CALLS["product"] == 1

    html(client.get("/product/1/?page=3"))
    assert CALLS["product"] == 2


def test_a_query_that_a_page_does_not_declare_reaches_its_fragments_all_the_same(
    client: Client,
) -> None:
    for enabled in (True, False):
        with twopass(ENABLED=enabled):
            text = html(client.get("/picky/?page=2&sort=up&utm_source=x"))
            assert text == "page=2 [page=2&sort=up]"


def test_what_asks_for_another_representation_is_passed(client: Client) -> None:
    html(client.get("/echo/"))

    passed = html(client.get("/echo/", headers={"HX-Request": "true"}))

    assert "|true|" in passed
    assert "|true|" not in html(client.get("/echo/"))
    assert CALLS["echo"] == 2


@pytest.mark.parametrize("field", ["Authorization", "X-Requested-With"])
def test_these_fields_pass_a_page(client: Client, field: str) -> None:
    html(client.get("/echo/"))
    html(client.get("/echo/", headers={field: "x"}))
    html(client.get("/echo/", headers={field: "x"}))
    assert CALLS["echo"] == 3


def test_a_bypass_cookie_skips_lookup_and_store(client: Client) -> None:
    client.cookies["preview"] = "1"
    html(client.get("/echo/"))
    html(client.get("/echo/"))
    assert CALLS["echo"] == 2
    assert "HTTP_COOKIE" in html(client.get("/echo/"))


def test_the_first_pass_sees_the_allow_list_only(client: Client) -> None:
    client.cookies["basket"] = "hats"

    seen = html(
        client.get(
            "/echo/",
            headers={
                "User-Agent": "x",
                "Accept-Language": "de",
                "X-Forwarded-Host": "evil.example",
                "X-Forwarded-For": "10.1.1.1",
                "Referer": "http://x.example/",
            },
            REMOTE_ADDR="10.9.9.9",
        )
    )

    assert seen.replace(",HTTP_HOST", "") == "||0.0.0.0|HTTP_COOKIE|csrftoken"


def test_dimensions_reduce_what_pages_differ_by(client: Client) -> None:
    def look(currency: str, agent: str) -> str:
        visitor = Client()
        visitor.cookies["currency"] = currency
        visitor.cookies["ab_banner"] = "a"
        return html(visitor.get("/varied/", headers={"User-Agent": agent}))

    assert look("USD", "Mobile Safari 17") == "USD a mobile retail a"
    assert look("USD", "Other Mobile 18") == "USD a mobile retail a"
    assert look("forged", "Firefox") == "EUR a desktop retail a"
    assert look("EUR", "Chrome") == "EUR a desktop retail a"
    assert CALLS["varied"] == 2


def test_views_and_fragments_are_told_dimensions_in_every_pass(member: User) -> None:
    client = Client()
    client.cookies["currency"], client.cookies["ab_banner"] = "USD", "b"
    for enabled in (True, False):
        with twopass(ENABLED=enabled):
            assert html(client.get("/varied/")) == "USD b desktop retail b"
            passed = client.get("/varied/", headers={"Authorization": "x", "User-Agent": "Mobile"})
            assert html(passed) == "USD b mobile retail b"


def test_requests_show_what_middleware_put_on_them(client: Client, member: User) -> None:
    client.force_login(member)
    for path in ("/product/1/", "/product/1/", "/login/", "/sets-cookie/"):
        request = client.get(path).wsgi_request
        assert request.user == member
        assert request.resolver_match is not None


def test_a_bucket_is_drawn_once_and_kept(client: Client) -> None:
    first = client.get("/varied/")
    bucket = first.cookies["ab_banner"].value

    assert bucket in ("a", "b")
    assert f" {bucket} " in html(first)
    for _ in range(5):
        again = client.get("/varied/")
        assert "ab_banner" not in again.cookies
        assert f" {bucket} " in html(again)


def test_a_passed_page_draws_a_bucket_and_shows_it(client: Client) -> None:
    response = client.get("/varied/", headers={"Authorization": "Basic x"})
    assert f" {response.cookies['ab_banner'].value} " in html(response)


def test_personal_pages_are_private_and_others_say_what_they_vary_by(client: Client) -> None:
    assert client.get("/product/1/").headers["Cache-Control"] == "private, no-cache"
    varied = client.get("/varied/")
    assert "Cache-Control" not in varied.headers
    assert {"Cookie", "User-Agent"} <= {name.strip() for name in varied.headers["Vary"].split(",")}
    assert "Vary" not in client.get("/echo/").headers


def test_a_gate_is_asked_for_each_visitor(client: Client, member: User) -> None:
    ann = Client()
    ann.force_login(member)

    hers = ann.get("/club/")
    stranger = client.get("/club/")

    assert "<h1>club</h1>" in html(hers)
    assert hers.headers["Cache-Control"] == "private, no-store"
    assert (stranger.status_code, stranger.headers["Location"]) == (302, "/login/?next=/club/")
    assert client.head("/club/").status_code == 302
    assert ann.get("/backroom/").status_code == 403
    with twopass(ENABLED=False):
        assert client.get("/club/").status_code == 302
        assert "<h1>club</h1>" in html(ann.get("/club/"))
    assert CALLS["club"] == 2


def test_a_redirect_to_the_login_is_never_for_everybody(client: Client, member: User) -> None:
    ann = Client()
    ann.force_login(member)

    with twopass(STRICT=False):
        assert client.get("/members/").status_code == 302
        assert "<h1>members</h1>" in html(ann.get("/members/"))
        assert client.get("/members/").status_code == 302


def test_not_found_is_passed_and_its_page_is_filled(client: Client) -> None:
    for path in ("/missing/", "/no/such/page/"):
        response = client.get(path)
        assert response.status_code == 404
        assert b"Not here" in response.content
        assert b"Basket: empty" in response.content
        assert b"[[2p:" not in response.content


def test_a_stale_shell_covers_for_a_view_that_fails(client: Client) -> None:
    client.raise_request_exception = False
    with twopass(MAX_AGE=0.0):
        html(client.get("/failing/"))
    key = shells.PageKey("http://testserver/failing/", (), "")
    from origin.conf import get_settings

    began = shells.begin(get_settings())
    held = shells.lookup(key, get_settings())
    assert held is not None
    import dataclasses

    shells.store(key, dataclasses.replace(held.shell, max_age=0.0), began, get_settings())
    CALLS["fail now"] = 1

    assert html(client.get("/failing/")) == "<p>all well</p>"
    assert CALLS["failing"] == 2
    shells.invalidate(everything=True)
    assert client.get("/failing/").status_code == 500


def test_a_stream_is_collected_and_a_huge_one_passed(client: Client) -> None:
    assert html(client.get("/streamed/3/")) == "<h1>stream</h1><b>Basket: empty</b>xxx"
    with twopass(MAX_SHELL=1000):
        assert html(client.get("/streamed/2000/")).endswith("x" * 2000)
    assert counters.read("pass") == {("pass", "size"): 1}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/sets-cookie/", "set-cookie"),
        ("/stray/", "csrf"),
        ("/varies/", "vary"),
        ("/missing/", "status"),
        ("/moved/", "status"),
    ],
)
def test_why_a_page_is_passed_is_counted(client: Client, path: str, reason: str) -> None:
    client.get(path)
    assert counters.read("pass") == {("pass", reason): 1}


def test_a_page_that_needs_the_csrf_cookie_sets_it(client: Client) -> None:
    response = client.get("/scripted/")
    secret = response.cookies["csrftoken"].value
    assert len(secret) == 32
    with twopass(ENABLED=False):
        other = Client().get("/scripted/").cookies["csrftoken"].value
    assert other != secret
    from fragments.csrf import sentinels

    assert not {secret, other} & set(sentinels(edge_side.KEYRING))


def test_a_nonce_is_the_same_in_header_and_body_and_new_each_time(client: Client) -> None:
    seen = set()
    for enabled in (True, True, False):
        with twopass(ENABLED=enabled):
            response = client.get("/secured/")
        nonce = html(response).partition("nonce=")[2].partition(">")[0]
        assert response.headers["Content-Security-Policy"] == f"script-src 'nonce-{nonce}'"
        seen.add(nonce)
    assert len(seen) == 3


def test_compression_comes_after_filling(monkeypatch: pytest.MonkeyPatch) -> None:
    # the bytes that it adds to hide lengths may make a small page longer than it was
    monkeypatch.setattr("django.middleware.gzip.GZipMiddleware.max_random_bytes", 0)
    middleware = list(django_settings.MIDDLEWARE)
    middleware.insert(1, "django.middleware.gzip.GZipMiddleware")
    with override_settings(MIDDLEWARE=middleware):
        for path in ("/product/1/", "/login/"):
            response = Client().get(path, headers={"Accept-Encoding": "gzip"})
            assert response.headers["Content-Encoding"] == "gzip"
            text = gzip.decompress(response.content).decode()
            assert "Basket: empty" in text
            assert "[[2p:" not in text
            assert int(response.headers["Content-Length"]) == len(response.content)


@pytest.mark.parametrize("path", ["/unmarked/", "/dated/"])
def test_validators_of_a_page_without_its_parts_are_not_given_out(path: str) -> None:
    middleware = list(django_settings.MIDDLEWARE)
    middleware.insert(1, "django.middleware.http.ConditionalGetMiddleware")
    with override_settings(MIDDLEWARE=middleware):
        client = Client()
        first = client.get(path)
        client.cookies["basket"] = "hats"
        fields = {"If-Modified-Since": "Fri, 01 Jan 2027 00:00:00 GMT"}
        if "ETag" in first.headers:
            fields["If-None-Match"] = first.headers["ETag"]
        second = client.get(path, headers=fields)
    assert "Last-Modified" not in first.headers
    assert "Basket: hats" in html(second)


def test_a_page_for_everybody_keeps_its_validators() -> None:
    middleware = list(django_settings.MIDDLEWARE)
    middleware.insert(1, "django.middleware.http.ConditionalGetMiddleware")
    with override_settings(MIDDLEWARE=middleware):
        tag = Client().get("/echo/").headers["ETag"]
        assert Client().get("/echo/", headers={"If-None-Match": tag}).status_code == 304


def test_head_runs_no_fragment(client: Client) -> None:
    response = client.head("/product/1/")
    assert response.status_code == 200
    assert response.content == b""
    assert CALLS["basket"] == 0


def test_purged_groups_are_rendered_again(client: Client) -> None:
    html(client.get("/product/1/"))
    html(client.get("/product/2/"))
    shells.invalidate(groups=["product:1"])

    html(client.get("/product/1/"))
    html(client.get("/product/2/"))

    assert CALLS["product"] == 3


def test_a_page_cache_in_the_stack_is_noticed(client: Client) -> None:
    middleware = [
        django_settings.MIDDLEWARE[0],
        "django.middleware.cache.UpdateCacheMiddleware",
        *django_settings.MIDDLEWARE[1:],
        "django.middleware.cache.FetchFromCacheMiddleware",
    ]
    with override_settings(MIDDLEWARE=middleware):
        for _ in range(3):
            text = html(client.get("/function/"))
            assert "<h1>function</h1>" in text
        assert sum(counters.read("bundle-hidden").values()) > 0


def test_what_an_earlier_run_left_in_the_thread_reaches_no_page_for_everybody(
    client: Client,
) -> None:
    from django.utils import translation

    with translation.override("de"):
        html(client.get("/unprefixed-story/"))
    assert "<h1>Monday</h1>" in html(client.get("/unprefixed-story/"))


def test_a_failed_fragment_costs_its_own_place(client: Client) -> None:
    for enabled in (True, False):
        with twopass(STRICT=False, ENABLED=enabled):
            text = html(client.get("/fragments/broken,stock,basket/"))
        assert "<u>soon</u><u>ask us</u><b>Basket: empty</b></main>" in text
        assert "RuntimeError" not in text


def test_in_development_a_failed_fragment_says_why(client: Client) -> None:
    text = html(client.get("/fragments/writer/"))
    assert "ReadOnlySession" in text
    assert "writes=True" in text


def test_no_middleware_no_markers_are_left_to_chance(client: Client) -> None:
    middleware = [item for item in django_settings.MIDDLEWARE if not item.startswith("origin")]
    with override_settings(MIDDLEWARE=middleware):
        text = Client().get("/product/1/").content.decode()
    assert "[[2p:" not in text
    assert "Basket: empty" in text


def test_no_path_passes_for_another_path_and_query(client: Client) -> None:
    """`%3F` in a path is no query, and `%00` is no nothing."""
    paths = ("/titled/a%3Fpage=2", "/titled/a?page=2", "/titled/a%00", "/titled/a")

    assert len({html(client.get(path)) for path in paths}) == len(paths)


def test_a_page_is_purged_by_its_url_however_that_is_spelled(client: Client) -> None:
    response = client.get("/titled/café")
    for url in (response.wsgi_request.build_absolute_uri(), "HTTP://TestServer/titled/café"):
        client.get("/titled/caf%C3%A9")
        before = CALLS["titled"]
        shells.invalidate(urls=[url])
        client.get("/titled/caf%C3%A9")
        assert CALLS["titled"] == before + 1


def test_a_host_in_capitals_is_no_other_page_and_no_other_address(client: Client) -> None:
    client.get("/echo-host/", headers={"Host": "TESTserver"})
    assert html(client.get("/echo-host/")) == "http://testserver/echo-host/"


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/vnd.api+json", "application/javascript", "model/x-own"],
)
def test_no_marker_leaves_whatever_the_answer_calls_itself(client: Client, kind: str) -> None:
    assert html(client.get(f"/for-machines/{kind}")) == '{"html": "<b>Basket: empty</b>"}'


@pytest.mark.parametrize("path", ["/shareable/", "/marked-shareable/"])
@pytest.mark.parametrize("enabled", [True, False])
def test_a_page_whose_holes_are_empty_for_this_visitor_is_not_shared_all_the_same(
    client: Client, path: str, enabled: bool
) -> None:
    """The next visitor behind the same cache may be signed in."""
    with twopass(ENABLED=enabled):
        response = client.get(path)
    assert (response.content, response.headers["Cache-Control"]) == (b"", "private, no-cache")

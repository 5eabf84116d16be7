"""Fragments of a bundle: what each may see and do, what its frame says, and in which order."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory, override_settings

from fragments.bundle import (
    BundleRequest,
    End,
    Frame,
    FrameDecoder,
    Head,
    Reads,
)
from fragments.csrf import CSRF, unmask
from fragments.include import Include
from origin import counters, dimension, registry
from origin.passes import emit
from origin.registry import fragment
from tests.origin import edge_side
from tests.origin.edge_side import HOST, include, text_of
from tests.origin.shop.calls import CALLS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


@pytest.fixture(autouse=True)
def only_here(shop: None) -> Iterator[None]:
    """Fragments that a test registers are gone after it."""
    before = dict(registry._FRAGMENTS)
    yield
    registry._FRAGMENTS.clear()
    registry._FRAGMENTS.update(before)


@pytest.fixture
def ann() -> dict[str, str]:
    client = Client()
    client.force_login(User.objects.create_user("Ann"))
    return {name: morsel.value for name, morsel in client.cookies.items()}


def in_production() -> override_settings:
    return override_settings(TWOPASS={**django_settings.TWOPASS, "STRICT": False})


def one(
    name: str, cookies: Any = None, headers: Any = None, page: str = "/echo/", **args: Any
) -> Frame:
    """The frame of one fragment."""
    return edge_side.bundle(page, [include(name, **args)], cookies, headers)[1][0]


def test_a_frame_says_what_its_fragment_declared(ann: dict[str, str]) -> None:
    frame = one("recommended", ann, product=3)
    assert text_of(frame) == "<p>People who like 3 like 4</p>"
    assert (frame.status, frame.scope, frame.max_age) == (200, "public", 300.0)
    assert frame.groups == ("product:3", "recommendations")
    assert frame.reads == Reads()
    assert frame.rendering >= 0
    private = one("greeting", ann)
    assert (private.scope, private.max_age) == ("private", 60.0)


@pytest.mark.parametrize(
    ("read", "reads"),
    [
        (lambda r: r.COOKIES.get("basket"), Reads(cookies=("basket",))),
        (lambda r: "basket" in r.COOKIES, Reads(cookies=("basket",))),
        (lambda r: r.get_signed_cookie("x", None), Reads(cookies=("x",))),
        (lambda r: r.headers.get("User-Agent"), Reads(headers=("user-agent",))),
        (lambda r: r.META.get("HTTP_REFERER"), Reads(headers=("referer",))),
        (lambda r: r.accepts("text/html"), Reads(headers=("accept",))),
        (lambda r: r.path, Reads(url=True)),
        (lambda r: r.path_info, Reads(url=True)),
        (lambda r: r.get_full_path(), Reads(url=True)),
        (lambda r: r.build_absolute_uri(), Reads(url=True)),
        (lambda r: r.build_absolute_uri("there/"), Reads(url=True)),
        (lambda r: r.GET.get("q"), Reads(url=True)),
        (lambda r: r.META["QUERY_STRING"], Reads(url=True)),
        (lambda r: r.resolver_match.route, Reads(url=True)),
        (lambda r: r.build_absolute_uri("/there/"), Reads()),
        (lambda r: r.get_host(), Reads()),
        (lambda r: r.is_secure(), Reads()),
        (lambda r: r.user.is_authenticated, Reads()),
        (lambda r: r.session.get("x"), Reads()),
        (lambda r: r.COOKIES.get("sessionid"), Reads()),
        (lambda r: r.method, Reads()),
    ],
)
def test_what_a_fragment_reads_becomes_part_of_its_key(read: Any, reads: Reads) -> None:
    @fragment("reader")
    def render(request: HttpRequest) -> str:
        read(request)
        return ""

    frame = one("reader", {"sessionid": "x" * 32, "basket": "b"})
    assert (frame.status, frame.scope, frame.reads) == (200, "private", reads)


@pytest.mark.parametrize(
    "read",
    [
        lambda r: r.META.get("REMOTE_ADDR"),
        lambda r: dict(r.COOKIES.items()),
        lambda r: list(r.COOKIES),
        lambda r: dict(r.headers),
        lambda r: {**r.META},
        lambda r: r.META["HTTP_COOKIE"],
    ],
)
def test_who_reads_more_than_a_key_holds_is_kept_by_nobody(read: Any) -> None:
    @fragment("reads-all")
    def render(request: HttpRequest) -> str:
        read(request)
        return ""

    frame = one("reads-all", {"basket": "b"})
    assert (frame.status, frame.scope, frame.max_age) == (200, "no-store", 0.0)


def test_reads_are_each_fragments_own() -> None:
    tokens = [include(name) for name in ("basket", "next", "agent", "greeting")]
    _, frames = edge_side.bundle("/echo/", tokens, {"basket": "b"}, {"User-Agent": "x"})
    assert [frames[index].reads for index in range(4)] == [
        Reads(cookies=("basket",)),
        Reads(url=True),
        Reads(headers=("user-agent",)),
        Reads(),
    ]


def test_cookies_that_middleware_reads_belong_to_every_private_key() -> None:
    middleware = [*django_settings.MIDDLEWARE, "tests.origin.shop.tenants.CurrencyMiddleware"]

    @fragment("total")
    def render(request: HttpRequest) -> str:
        return str(request.currency)  # type: ignore[attr-defined]

    with override_settings(MIDDLEWARE=middleware):
        frame = one("total", {"currency": "USD"})
    assert text_of(frame) == "USD"
    assert frame.reads.cookies == ("currency",)


def test_a_declared_dimension_is_shown_reduced_and_not_read() -> None:
    frame = edge_side.bundle("/echo/", [include("price")], {"currency": "forged"})[1][0]
    assert text_of(frame) == "<s>EUR</s>"
    assert frame.reads == Reads()
    assert text_of(one("price", {"currency": "USD"})) == "<s>USD</s>"
    drawn = edge_side.bundle("/echo/", [include("price")], values=(("currency", "USD"),))[1][0]
    assert text_of(drawn) == "<s>USD</s>"


def test_dimensions_in_fragments_are_declared_or_read(ann: dict[str, str]) -> None:
    @fragment("declares", dimensions=["currency", "device"])
    def declares(request: HttpRequest) -> str:
        return dimension(request, "currency") + dimension(request, "device")

    @fragment("reads")
    def reads(request: HttpRequest) -> str:
        return dimension(request, "currency") + dimension(request, "device")

    for name, expected in (
        ("declares", Reads()),
        ("reads", Reads(cookies=("currency",), headers=("user-agent",))),
    ):
        frame = edge_side.bundle(
            "/echo/", [include(name)], {**ann, "currency": "USD"}, {"User-Agent": "Mobile"}
        )[1][0]
        assert (text_of(frame), frame.reads) == ("USDmobile", expected)
    with pytest.raises(ImproperlyConfigured, match="there are: banner, currency, device, tier"):
        dimension(RequestFactory().get("/"), "colour")


def test_async_code_finds_the_user_without_another_query(
    ann: dict[str, str], django_assert_num_queries: Any
) -> None:
    @fragment("asks-async")
    async def asks(request: HttpRequest) -> str:
        return str(await request.auser())

    with django_assert_num_queries(2):
        assert text_of(one("asks-async", ann)) == "Ann"


def test_the_language_is_the_pages() -> None:
    @fragment("day")
    def render(request: HttpRequest) -> str:
        from django.utils.translation import gettext

        return gettext("Monday")

    tokens = [
        Include.of("fragment", "day", {"_lang": language}).token(edge_side.KEYRING)
        for language in ("de", "en")
    ]
    _, frames = edge_side.bundle("/echo/", tokens, None, {"Accept-Language": "fr"})
    assert [text_of(frames[0]), text_of(frames[1])] == ["Montag", "Monday"]


def test_public_fragments_cannot_see_the_visitor(ann: dict[str, str]) -> None:
    seen = {}

    @fragment("observer", scope="public")
    def render(request: HttpRequest) -> str:
        seen["meta"] = {name for name in dict.keys(request.META) if name.startswith("HTTP_")}
        seen["address"] = dict.get(request.META, "REMOTE_ADDR")
        return "ok"

    cookies = {**ann, "basket": "hats"}
    frame = edge_side.bundle(
        "/echo/?q=1", [include("observer")], cookies, {"User-Agent": "x", "Referer": "y"}
    )[1][0]
    assert (frame.status, frame.scope) == (200, "public")
    assert seen["meta"] <= {"HTTP_HOST", "HTTP_COOKIE"}
    assert seen["address"] == "0.0.0.0"


def test_a_public_fragment_that_looks_at_the_visitor_raises_in_development(
    ann: dict[str, str],
) -> None:
    frame = one("nosy", ann)
    assert frame.status == 500
    assert "request.user was evaluated" in text_of(frame)
    assert "renderers.py" in text_of(frame)


def test_in_production_it_is_shown_and_kept_by_nobody(ann: dict[str, str]) -> None:
    with in_production():
        frame = one("nosy", ann)
        careless = one("careless", ann)
    assert (text_of(frame), frame.scope, frame.max_age) == ("<p>for Ann</p>", "no-store", 0.0)
    assert (text_of(careless), careless.scope) == ("<div><i>Hello Ann</i></div>", "no-store")
    assert counters.read("demoted") == {("demoted", "nosy"): 1, ("demoted", "careless"): 1}


def test_a_private_fragment_inside_a_public_one_is_an_error_in_development() -> None:
    frame = one("careless")
    assert frame.status == 500
    assert "differs by more than it does" in text_of(frame)


def test_nested_fragments_are_part_of_the_outer_one(ann: dict[str, str]) -> None:
    frame = one("outer", {**ann, "basket": "hats"})
    assert text_of(frame) == "<div><b>Basket: hats</b></div>"
    assert frame.reads.cookies == ("basket",)
    assert frame.groups == ("basket",)


def test_the_strictest_part_holds_for_the_whole(ann: dict[str, str]) -> None:
    @fragment("brief", scope="no-store")
    def brief(request: HttpRequest) -> str:
        return "b"

    @fragment("soon-over", max_age=5)
    def soon_over(request: HttpRequest) -> str:
        return "s"

    @fragment("holds-both", max_age=100, stale_if_error=9)
    def holds_both(request: HttpRequest) -> str:
        return emit(Include.of("fragment", "brief", {})) + emit(
            Include.of("fragment", "soon-over", {})
        )

    @fragment("holds-one", max_age=100, stale_if_error=9)
    def holds_one(request: HttpRequest) -> str:
        return emit(Include.of("fragment", "soon-over", {}))

    both, single = one("holds-both"), one("holds-one")
    assert (text_of(both), both.scope, both.max_age) == ("bs", "no-store", 0.0)
    assert (single.scope, single.max_age, single.stale_if_error) == ("private", 5.0, 0.0)


def test_when_cookie_holds_inside_fragments_too() -> None:
    @fragment("holds-greeting")
    def render(request: HttpRequest) -> str:
        return f"<{emit(Include.of('fragment', 'greeting', {}))}>"

    frame = one("holds-greeting")
    assert text_of(frame) == "<>"
    assert CALLS["greeting"] == 0


def test_nesting_is_bounded() -> None:
    frame = one("endless")
    assert frame.status == 500
    assert "MAX_NESTING" in text_of(frame)


def test_a_nested_fragment_that_fails_costs_its_own_place() -> None:
    @fragment("holds-broken", max_age=100)
    def render(request: HttpRequest) -> str:
        return f"[{emit(Include.of('fragment', 'broken', {}))}]"

    with in_production():
        frame = one("holds-broken")
    assert (text_of(frame), frame.status, frame.max_age) == ("[<u>soon</u>]", 200, 0.0)


def test_writing_after_the_head_is_refused(ann: dict[str, str]) -> None:
    frame = one("writer", ann)
    assert frame.status == 500
    assert "session[&#x27;seen&#x27;] = …" in text_of(frame)
    with in_production():
        silent = one("writer", ann)
    assert (silent.status, silent.body) == (500, ())
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda r: r.session.update({"x": 1}),
        lambda r: r.session.pop("x", None),
        lambda r: r.session.setdefault("x", 1),
        lambda r: r.session.flush(),
        lambda r: r.session.cycle_key(),
        lambda r: r.session.save(),
        lambda r: r.session.set_expiry(5),
        lambda r: r.session.__delitem__("x"),
        lambda r: setattr(r.session, "modified", True),
        lambda r: list(r._messages),
        lambda r: bool(r._messages),
        lambda r: r._messages.add(20, "x"),
        lambda r: __import__("django.contrib.auth", fromlist=["logout"]).logout(r),
    ],
)
def test_all_ways_of_writing_are_refused(write: Any, ann: dict[str, str]) -> None:
    @fragment("sly")
    def render(request: HttpRequest) -> str:
        write(request)
        return ""

    frame = one("sly", ann)
    assert frame.status == 500
    assert "ReadOnlySession" in text_of(frame)


def test_reading_the_session_is_free(ann: dict[str, str]) -> None:
    @fragment("reads-session")
    def render(request: HttpRequest) -> str:
        session = request.session
        return f"{'_auth_user_id' in session} {len(session.keys())} {session.get('x', 'none')}"

    assert text_of(one("reads-session", ann)) == "True 3 none"


def test_fragments_that_write_come_first_and_are_saved(ann: dict[str, str]) -> None:
    request = BundleRequest(
        f"http://{HOST}/echo/", (include("basket"), include("counter"), include("greeting"))
    )
    response = edge_side.post_bundle(request, ann)
    head, *frames, end = edge_side.messages_of(response)

    assert isinstance(head, Head)
    assert end == End(3)
    assert [frame.index for frame in frames if isinstance(frame, Frame)] == [1, 0, 2]
    assert isinstance(frames[0], Frame)
    assert (frames[0].wrote, frames[0].max_age) == (True, 0.0)
    assert response.cookies["visited"].value == "yes"
    again = edge_side.messages_of(edge_side.post_bundle(request, ann))
    assert "visit 2" in str(again)


def test_messages_are_used_up_by_one_bundle() -> None:
    client = Client()
    client.post("/add/")
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    request = BundleRequest(f"http://{HOST}/echo/", (include("news"),))

    response = edge_side.post_bundle(request, cookies)
    _, frame, _ = edge_side.messages_of(response)

    assert isinstance(frame, Frame)
    assert (text_of(frame), frame.wrote) == ("<li>Added to basket</li>", True)
    assert response.cookies["messages"].value == ""
    quiet = one("news")
    assert (text_of(quiet), quiet.wrote, quiet.max_age) == ("", False, 60.0)


@pytest.mark.parametrize("scope", ["public", "private"])
def test_a_fragment_that_holds_somebodys_own_token_is_kept_by_nobody(scope: Any) -> None:
    @fragment("cached-form", scope=scope)
    def render(request: HttpRequest) -> str:
        return f'<input name="csrfmiddlewaretoken" value="{"aB3" * 21}x">'

    frame = one("cached-form")
    assert (frame.status, frame.scope, frame.max_age) == (200, "no-store", 0.0)
    assert counters.read()["stray-token", "cached-form"] == 1


def test_tokens_in_fragments_are_holes() -> None:
    frame = one("form")
    assert frame.body[1] is CSRF
    assert frame.reads == Reads()


def test_tokens_of_the_session_are_a_fragment_of_their_own(ann: dict[str, str]) -> None:
    with override_settings(CSRF_USE_SESSIONS=True):
        shell = edge_side.first("/product/1/")
        assert CSRF not in shell.body
        client = Client(enforce_csrf_checks=True)
        client.cookies.load(ann)
        for _ in range(2):
            text = client.get("/product/1/").content.decode()
            (token,) = edge_side._runs(text)
            secret = client.session["_csrftoken"]
            assert unmask(token) == secret
            assert client.post("/add/", {"csrfmiddlewaretoken": token}).status_code == 302
        frame = one("form", ann)
        assert frame.scope == "no-store"
        assert unmask(next(iter(edge_side._runs(text_of(frame))))) == secret
        newcomer = Client(enforce_csrf_checks=True)
        (token,) = edge_side._runs(newcomer.get("/product/1/").content.decode())
        assert newcomer.post("/add/", {"csrfmiddlewaretoken": token}).status_code == 302


def test_a_renderer_may_answer_with_a_response() -> None:
    @fragment("templated")
    def templated(request: HttpRequest) -> TemplateResponse:
        template = engines["django"].from_string(
            '{% load twopass %}{{ user }} {% fragment "basket" %}'
        )
        return TemplateResponse(request, template)

    @fragment("absent")
    def absent(request: HttpRequest) -> HttpResponse:
        return HttpResponse("gone", status=410)

    @fragment("wrong")
    def wrong(request: HttpRequest) -> Any:
        return 17

    assert text_of(one("templated")) == "AnonymousUser <b>Basket: empty</b>"
    assert one("absent").status == 410
    assert "gave int" in text_of(one("wrong"))


def test_a_fragment_of_the_last_release_is_nothing() -> None:
    token = include("was-here-once")
    _, frames = edge_side.bundle("/echo/", [token, include("basket")])
    assert (frames[0].status, frames[1].status) == (404, 200)


def test_fragments_on_the_pool_have_connections_of_their_own(
    ann: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = threading.get_ident()
    seen: set[int] = set()
    closed: list[int] = []
    monkeypatch.setattr(
        "django.db.connections.close_all", lambda: closed.append(threading.get_ident())
    )

    @fragment("elsewhere", concurrent=True)
    def render(request: HttpRequest) -> str:
        seen.add(threading.get_ident())
        return str(request.user)

    frame = one("elsewhere", ann)
    assert text_of(frame) == "Ann"
    assert here not in seen
    assert set(closed) == seen


def test_pooled_fragments_run_beside_each_other() -> None:
    meeting = threading.Barrier(2, timeout=30)

    @fragment("meets", concurrent=True)
    def render(request: HttpRequest, who: int) -> str:
        meeting.wait()
        return str(who)

    _, frames = edge_side.bundle("/echo/", [include("meets", who=1), include("meets", who=2)])
    assert {text_of(frame) for frame in frames.values()} == {"1", "2"}


def test_after_the_deadline_nothing_more_is_begun() -> None:
    @fragment("lingers")
    def render(request: HttpRequest) -> str:
        time.sleep(0.05)
        return "late"

    _, frames = edge_side.bundle("/echo/", [include("lingers"), include("basket")], deadline=0.01)
    assert frames[1].status == 504
    assert CALLS["basket"] == 0


async def bundle_async(*tokens: bytes, **fields: Any) -> list[Any]:
    request = BundleRequest(f"http://{HOST}/echo/", tokens, **fields)
    response = await edge_side.apost_bundle(request)
    decoder = FrameDecoder()
    found = []
    async for chunk in response.streaming_content:  # type: ignore[attr-defined]
        found += decoder.receive_data(chunk)
    decoder.close()
    return found


async def test_async_fragments_run_together() -> None:
    arrived = []
    everybody = asyncio.Event()

    @fragment("waits")
    async def render(request: HttpRequest, who: int) -> str:
        arrived.append(who)
        if len(arrived) == 3:
            everybody.set()
        await asyncio.wait_for(everybody.wait(), 30)
        return str(who)

    tokens = [include("waits", who=number) for number in range(3)]
    head, *frames, end = await bundle_async(*tokens, include("basket"))
    assert head == Head("none")
    assert {text_of(frame) for frame in frames} == {"0", "1", "2", "<b>Basket: empty</b>"}
    assert end == End(4)


async def test_a_slow_async_fragment_holds_back_no_other() -> None:
    release = asyncio.Event()

    @fragment("held")
    async def held(request: HttpRequest) -> str:
        await asyncio.wait_for(release.wait(), 30)
        return "held"

    @fragment("releases")
    async def releases(request: HttpRequest) -> str:
        release.set()
        return "releases"

    _, *frames, _ = await bundle_async(include("held"), include("releases"), include("basket"))
    assert {frame.index: frame.status for frame in frames} == {0: 200, 1: 200, 2: 200}


async def test_an_async_fragment_over_the_deadline_is_given_up() -> None:
    @fragment("never")
    async def never(request: HttpRequest) -> str:
        await asyncio.sleep(3600)
        return ""

    _, frame, _ = await bundle_async(include("never"), deadline=0.05)
    assert frame.status == 504


def test_async_fragments_work_without_asgi_too() -> None:
    @fragment("either")
    async def either(request: HttpRequest) -> str:
        await asyncio.sleep(0)
        return f"{request.path}"

    frame = one("either")
    assert (text_of(frame), frame.reads.url) == ("/echo/", True)


async def test_errors_of_async_fragments_are_frames() -> None:
    @fragment("breaks")
    async def breaks(request: HttpRequest) -> str:
        raise RuntimeError("down")

    _, frame, _ = await bundle_async(include("breaks"))
    assert frame.status == 500

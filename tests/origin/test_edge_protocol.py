"""What the origin answers to an edge: manifest, probe, first pass, bundle, and to impostors."""

from __future__ import annotations

import time

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import AsyncClient, Client, override_settings

from fragments.bundle import BundleRequest, Head, Verdict
from fragments.csrf import CSRF
from fragments.headers import PROOF
from fragments.manifest import BUNDLE_PATH, PATH
from fragments.shell import CONTENT_TYPE, NONCE, FragmentHole
from origin import counters
from tests.origin import edge_side
from tests.origin.edge_side import HOST
from tests.origin.shop.calls import CALLS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


@pytest.fixture
def ann() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("Ann"))
    return client


def cookies_of(client: Client) -> dict[str, str]:
    return {name: morsel.value for name, morsel in client.cookies.items()}


def holes(path: str) -> dict[str, FragmentHole]:
    from fragments.include import Include

    found = [hole for hole in edge_side.first(path).holes() if isinstance(hole, FragmentHole)]
    return {Include.verify(hole.token, edge_side.KEYRING).name: hole for hole in found}


def test_a_shell_is_sealed_and_for_nobody(ann: Client) -> None:
    response = edge_side.ask("/product/1/", "first", cookies_of(ann))
    shell = edge_side.shell_of(response)

    assert response.headers["Content-Type"] == CONTENT_TYPE
    assert response.headers["Surrogate-Control"] == 'content="TwoPass/1.0"'
    assert response.headers["Cache-Control"] == "no-store"
    assert (shell.status, shell.max_age, shell.gate) == (200, 300.0, False)
    assert shell.groups == ("product:1",)
    assert [item.name for item in shell.dimensions] == ["currency"]
    assert shell.values == (("currency", "EUR"),)
    assert shell.query == ("page",)
    assert dict(shell.headers)["content-type"] == (b"text/html; charset=utf-8",)
    names = {name for name, _ in shell.headers}
    assert not names & {"set-cookie", "vary", "content-length", "etag", "date"}
    assert b"Ann" not in response.content
    assert not response.cookies


def test_holes_carry_what_their_fragments_declare() -> None:
    found = holes("/product/1/")
    assert found["greeting"].when_cookies == ("sessionid",)
    assert found["basket"].cookies == ("basket",)
    assert found["recommended"].scope == "public"
    assert found["news"].writes
    broken = holes("/fragments/broken,stock,price/")
    assert broken["broken"].placeholder == b"<u>soon</u>"
    assert broken["stock"].alt is not None
    assert broken["price"].dimensions == ("currency",)


def test_tokens_and_nonces_become_holes() -> None:
    shell = edge_side.first("/product/1/")
    assert shell.body.count(CSRF) == 1
    secured = edge_side.first("/secured/")
    assert NONCE in secured.body
    assert NONCE in dict(secured.headers)["content-security-policy"]
    assert dict(edge_side.first("/scripted/").headers)["twopass-csrf"] == (CSRF,)


def test_a_probe_of_a_marked_page_is_a_shell(ann: Client) -> None:
    response = edge_side.ask("/product/1/", "probe", cookies_of(ann))
    assert b"Ann" not in response.content
    assert edge_side.shell_of(response).status == 200


@pytest.mark.parametrize("path", ["/product/1/", "/async/", "/late/", "/en/story/"])
async def test_probes_under_asgi(path: str) -> None:
    proof = edge_side.proof("GET", path, "probe")
    fields = {PROOF: proof, "Surrogate-Capability": 'twopass="TwoPass/1.0"'}
    response = await AsyncClient().get(path, headers=fields)
    assert edge_side.shell_of(response).status == 200


def test_a_probe_of_a_plain_page_is_the_page_for_this_visitor(ann: Client) -> None:
    response = edge_side.ask("/login/", "probe", cookies_of(ann))
    assert "Surrogate-Control" not in response.headers
    assert "TwoPass-Pass" not in response.headers
    assert b"Hello Ann" in response.content
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_a_mark_below_a_decorator_that_hides_it_is_found() -> None:
    assert edge_side.shell_of(edge_side.ask("/late/", "probe")).status == 200
    assert edge_side.first("/late/").status == 200
    assert CALLS["function"] == 2


def test_without_capability_the_page_comes_whole_and_unstorable(ann: Client) -> None:
    response = edge_side.ask("/product/1/", "probe", cookies_of(ann), capable=False)
    assert b"Hello Ann" in response.content
    assert response.headers["Cache-Control"] == "private, no-store"


def test_a_personal_page_has_no_date_of_its_own() -> None:
    assert "last-modified" not in dict(edge_side.first("/dated/").headers)


def test_an_answer_to_head_cannot_be_a_shell() -> None:
    response = edge_side.ask("/product/1/", "probe", method="HEAD")
    assert (response.status_code, response.headers["TwoPass-Pass"]) == (200, "method")
    assert "Surrogate-Control" not in response.headers


def test_a_first_pass_of_a_plain_url_is_told_apart() -> None:
    response = edge_side.ask("/login/", "first")
    assert (response.status_code, response.headers["TwoPass-Pass"]) == (204, "status")


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
def test_why_there_is_no_shell(path: str, reason: str) -> None:
    first = edge_side.ask(path, "first")
    probe = edge_side.ask(path, "probe")
    assert (first.status_code, first.headers["TwoPass-Pass"]) == (204, reason)
    assert probe.headers["TwoPass-Pass"] == reason


def test_a_view_that_fails_is_an_error_to_the_edge(client: Client) -> None:
    CALLS["fail now"] = 1
    client.raise_request_exception = False
    with override_settings(TWOPASS={**django_settings.TWOPASS, "STRICT": False}):
        first = edge_side.ask("/failing/", "first", client=client)
        probe = edge_side.ask("/failing/", "probe", client=client)
    assert (first.status_code, first.headers["TwoPass-Pass"]) == (204, "error")
    assert probe.status_code == 500
    assert CALLS["failing"] == 2


def test_one_request_one_session_read_and_one_user_query_for_all_fragments(
    ann: Client, django_assert_num_queries: object
) -> None:
    tokens = [edge_side.include(name) for name in ("greeting", "basket", "next", "outer")]
    with django_assert_num_queries(2):  # type: ignore[operator]
        head, frames = edge_side.bundle("/product/1/", tokens, cookies_of(ann))
    assert len(frames) == 4
    user = User.objects.get()
    assert head.groups == (f"user:{user.pk}",)
    assert head.session == "valid"
    assert head.session_age == pytest.approx(django_settings.SESSION_COOKIE_AGE, abs=60)
    assert edge_side.text_of(frames[0]) == "<i>Hello Ann</i>"


def test_without_a_session_cookie_nothing_is_read(django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        head, frames = edge_side.bundle("/product/1/", [edge_side.include("basket")])
    assert head == Head("none")
    assert edge_side.text_of(frames[0]) == "<b>Basket: empty</b>"


def test_a_session_that_is_gone_is_unknown() -> None:
    head, _ = edge_side.bundle(
        "/product/1/", [edge_side.include("greeting")], {"sessionid": "f" * 32}
    )
    assert (head.session, head.groups) == ("unknown", ())


def test_a_password_changed_elsewhere_ends_the_session_in_the_head(ann: Client) -> None:
    user = User.objects.get()
    user.set_password("another")
    user.save()
    request = BundleRequest(f"http://{HOST}/product/1/", (edge_side.include("greeting"),))

    response = edge_side.post_bundle(request, cookies_of(ann))
    head, frame, _ = edge_side.messages_of(response)

    assert isinstance(head, Head)
    assert (head.session, head.groups) == ("unknown", ())
    assert response.cookies["sessionid"].value == ""
    assert edge_side.text_of(frame) == "<i>Hello stranger</i>"  # type: ignore[arg-type]


def test_bundles_are_gets_of_the_page_through_the_whole_stack() -> None:
    head, frames = edge_side.bundle("/product/7/?x=1", [edge_side.include("next")])
    assert edge_side.text_of(frames[0]) == '<a href="/login/?next=/product/7/">in</a>'
    assert frames[0].reads.url
    assert head.verdict is None


def test_login_walls_and_https_behave_as_on_the_page(ann: Client) -> None:
    middleware = [
        *django_settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    tokens = [edge_side.include("basket")]
    with override_settings(MIDDLEWARE=middleware, SECURE_SSL_REDIRECT=True):
        page = f"https://{HOST}/product/1/"
        head, frames = edge_side.bundle(page, tokens)
        assert head.verdict is None
        assert edge_side.text_of(frames[0]) == "<b>Basket: empty</b>"

        walled, _ = edge_side.bundle(f"https://{HOST}/function/", tokens)
        assert walled.verdict is not None
        assert (walled.verdict.status, dict(walled.verdict.headers)["Location"]) == (
            302,
            "/login/?next=/function/",
        )
        hers, _ = edge_side.bundle(f"https://{HOST}/function/", tokens, cookies_of(ann))
        assert hers.verdict is None

        moved, _ = edge_side.bundle(f"http://{HOST}/product/1/", tokens)
        assert moved.verdict is not None
        assert dict(moved.verdict.headers)["Location"] == page


def test_under_those_two_first_passes_are_passed_or_shells() -> None:
    middleware = [
        *django_settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    with override_settings(MIDDLEWARE=middleware):
        assert edge_side.first("/product/1/").status == 200  # login_not_required
        assert edge_side.first("/club/").gate
        walled = edge_side.ask("/function/", "first")
        assert (walled.status_code, walled.headers["TwoPass-Pass"]) == (204, "status")
        redirected = edge_side.ask("/function/", "probe")
        assert (redirected.status_code, redirected.headers["TwoPass-Pass"]) == (302, "status")
    with override_settings(SECURE_SSL_REDIRECT=True):
        assert edge_side.ask("/product/1/", "first").headers["TwoPass-Pass"] == "status"
        assert Client().get("/product/1/").headers["Location"] == f"https://{HOST}/product/1/"
    with override_settings(
        SECURE_SSL_REDIRECT=True, SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")
    ):
        secure = edge_side.ask("/product/1/", "first", headers={"X-Forwarded-Proto": "https"})
        assert edge_side.shell_of(secure).status == 200
        head, _ = edge_side.bundle(f"https://{HOST}/product/1/", [edge_side.include("basket")])
        assert head.verdict is None


def test_gates_are_verdicts(ann: Client) -> None:
    verdict = edge_side.bundle("/club/", [], gate=True)[0].verdict
    assert verdict == Verdict(302, verdict.headers, b"") if verdict else False
    assert verdict
    assert dict(verdict.headers)["Location"] == "/login/?next=/club/"
    assert edge_side.bundle("/club/", [], cookies_of(ann), gate=True)[0].verdict is None
    refused = edge_side.bundle("/backroom/", [], cookies_of(ann), gate=True)[0].verdict
    assert refused
    assert refused.status == 403


def test_shared_fragments_of_a_gated_page_are_rendered_for_nobody() -> None:
    """Whoever is shown them has passed the gate; nobody never would."""
    asked = [edge_side.include("recommended", product=1)]
    head, frames = edge_side.bundle("/club/", asked, nobody=True)

    assert head.verdict is None
    assert edge_side.text_of(frames[0]) == "<p>People who like 1 like 2</p>"


def test_a_gate_guards_fragments_even_when_the_edge_forgets_to_ask() -> None:
    head, frames = edge_side.bundle("/club/", [edge_side.include("basket")])
    assert head.verdict is not None
    assert frames == {}


def test_an_urlconf_chosen_by_middleware_is_honoured() -> None:
    middleware = list(django_settings.MIDDLEWARE)
    middleware.insert(1, "tests.origin.shop.tenants.TenantMiddleware")
    with override_settings(MIDDLEWARE=middleware):
        for _ in range(2):
            assert edge_side.first("/tenant/", headers={"X-Tenant": "1"}).status == 200
        inner = Client()
        for _ in range(2):
            assert b"<h1>tenant</h1>" in inner.get("/tenant/").content
        head, frames = edge_side.bundle("/tenant/", [edge_side.include("next")])
        assert head.verdict is None
        assert "/tenant/" in edge_side.text_of(frames[0])


def test_nobody_is_rendered_from_a_stripped_request(ann: Client) -> None:
    cookies = {**cookies_of(ann), "basket": "hats"}
    head, frames = edge_side.bundle(
        "/product/1/",
        [edge_side.include(name) for name in ("greeting", "basket", "agent")],
        cookies,
        {"User-Agent": "Mozilla"},
        nobody=True,
    )
    assert head == Head("none")
    assert [edge_side.text_of(frames[index]) for index in range(3)] == [
        "<i>Hello stranger</i>",
        "<b>Basket: empty</b>",
        "<p></p>",
    ]
    assert frames[1].reads.cookies == ("basket",)
    assert frames[2].reads.headers == ("user-agent",)


def test_the_secret_that_the_edge_minted_reaches_the_page() -> None:
    _, frames = edge_side.bundle("/product/1/", [edge_side.include("form")], csrf_secret="m" * 32)
    assert frames[0].body[1] is CSRF


def test_saving_the_session_at_every_request_does_not_look_like_a_new_one(ann: Client) -> None:
    request = BundleRequest(f"http://{HOST}/product/1/", (edge_side.include("greeting"),))
    with override_settings(SESSION_SAVE_EVERY_REQUEST=True):
        response = edge_side.post_bundle(request, cookies_of(ann))
    assert "sessionid" not in response.cookies
    assert "Hello Ann" in str(edge_side.messages_of(response))


def test_the_internal_addresses_are_nothing_without_proof(client: Client) -> None:
    assert client.get(PATH).status_code == 404
    assert client.post(BUNDLE_PATH, b"x", content_type="x/y").status_code == 404
    assert client.get("/_twopass/other").status_code == 404
    for kind in ("probe", "first", "second"):
        assert edge_side.ask(PATH, kind).status_code == 404  # type: ignore[arg-type]
    assert edge_side.ask(BUNDLE_PATH, "manifest").status_code == 404


def test_a_proof_holds_for_its_request_only(client: Client) -> None:
    stolen = {PROOF: edge_side.proof("GET", "/product/1/", "first"), "Host": HOST}
    refused = client.get("/product/2/", headers=stolen)
    assert (refused.status_code, refused.headers["TwoPass-Error"]) == (403, "signature")
    body = BundleRequest(f"http://{HOST}/product/1/", ()).encode()
    swapped = client.post(
        BUNDLE_PATH,
        body + b" ",
        content_type="x/y",
        headers={PROOF: edge_side.proof("POST", BUNDLE_PATH, "second", body), "Host": HOST},
    )
    assert (swapped.status_code, swapped.headers["TwoPass-Error"]) == (403, "signature")


def test_a_clock_that_is_off_is_named(client: Client) -> None:
    late = edge_side.proof("GET", PATH, "manifest", now=time.time() - 3600)
    response = client.get(PATH, headers={PROOF: late, "Host": HOST})
    assert (response.status_code, response.headers["TwoPass-Error"]) == (403, "clock-skew")
    assert b"NTP" in response.content
    assert counters.read("refused") == {("refused", "clock-skew"): 1}


@pytest.mark.parametrize("path", ["/echo/?q=a%20b&z=%C3%A9", "/no%20such/p%C3%A4ge/(a,b;c=1)/"])
def test_proofs_survive_how_servers_decode_the_request_line(path: str) -> None:
    assert edge_side.ask(path, "first").status_code in (200, 204)


def test_a_bundle_that_breaks_the_contract_is_refused() -> None:
    for body, code in ((b"\xc1", "malformed"), (b"\x81\xa1v\x09", "version")):
        response = Client().post(
            BUNDLE_PATH,
            body,
            content_type="x/y",
            headers={PROOF: edge_side.proof("POST", BUNDLE_PATH, "second", body), "Host": HOST},
        )
        assert (response.status_code, response.headers["TwoPass-Error"]) == (400, code)
    foreign = edge_side.post_bundle(BundleRequest("ftp://x/", ()))
    assert (foreign.status_code, foreign.headers["TwoPass-Error"]) == (400, "type")


def test_a_forged_include_is_a_frame_that_failed() -> None:
    token = edge_side.include("basket")
    forged = token[:-3] + (b"aaa" if not token.endswith(b"aaa") else b"bbb")
    _, frames = edge_side.bundle("/product/1/", [forged, token])
    assert (frames[0].status, frames[1].status) == (400, 200)


def test_a_manifest_says_what_the_edge_must_know() -> None:
    manifest = edge_side.manifest()
    assert manifest.session_cookie == "sessionid"
    assert manifest.csrf_cookie is not None
    assert manifest.csrf_cookie.name == "csrftoken"
    assert {item.name for item in manifest.dimensions} == {"currency", "banner", "device", "tier"}
    assert "HX-Request" in manifest.varying_headers
    assert manifest.bypass_cookies == ("preview",)
    with override_settings(CSRF_USE_SESSIONS=True):
        assert edge_side.manifest().csrf_cookie is None


def test_switched_off_there_is_no_protocol() -> None:
    with override_settings(TWOPASS={**django_settings.TWOPASS, "ENABLED": False}):
        assert edge_side.ask(PATH, "manifest").status_code == 404
        response = edge_side.ask("/product/1/", "probe")
    assert b"Basket: empty" in response.content

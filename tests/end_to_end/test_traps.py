"""What breaks page caches: each trap of the design, on real servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from fragments.csrf import unmask
from tests.end_to_end.stack import ROOT, Stack, running_stack

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([A-Za-z0-9]+)"')
SITE = "tests.end_to_end.traps"
USERS = """
from django.contrib.auth.models import User
for name in ("anna", "bert"):
    User.objects.create_user(name, password="password-of-" + name)
"""


def database(folder: Path) -> dict[str, str]:
    """A fresh SQLite database with two users; the environment that uses it."""
    environment = {
        "DJANGO_SETTINGS_MODULE": f"{SITE}.settings",
        "TRAPS_DATABASE": str(folder / "traps.sqlite3"),
    }
    for command in (["migrate", "-v", "0"], ["shell", "-v", "0", "-c", USERS]):
        subprocess.run(
            [sys.executable, "-m", "django", *command],
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            check=True,
            capture_output=True,
        )
    return environment


@pytest.fixture(scope="module")
def traps_factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Stack]]:
    with ExitStack() as stacks:

        def start(*options: str, **environment: str) -> Stack:
            folder = tmp_path_factory.mktemp("traps")
            return stacks.enter_context(
                running_stack(
                    folder,
                    database(folder) | environment,
                    application=f"{SITE}.wsgi",
                    edge_options=options,
                    workers=1,
                )
            )

        yield start


@pytest.fixture(scope="module")
def traps(traps_factory: Callable[..., Stack]) -> Stack:
    return traps_factory("--trusted-proxies", "127.0.0.1")


def browser(stack: Stack) -> httpx.Client:
    return httpx.Client(base_url=stack.edge, timeout=30)


def log_in(client: httpx.Client, name: str, **headers: str) -> None:
    token = TOKEN.search(client.get("/login/", headers=headers).text)
    assert token
    form = {"username": name, "password": f"password-of-{name}", "csrfmiddlewaretoken": token[1]}
    referer = {"Referer": str(client.base_url) + "/login/", **headers}
    assert client.post("/login/", data=form, headers=referer).status_code == 302


def who(page: httpx.Response) -> str:
    found = re.search(r"<b id=who>([^<]*)</b>", page.text)
    assert found, page.text
    return found[1]


def warm(stack: Stack, path: str) -> None:
    for _ in range(2):
        httpx.get(stack.edge + path)


def test_a_fragment_that_reads_the_path(traps: Stack) -> None:
    with browser(traps) as client:
        log_in(client, "anna")
        for _ in range(3):
            for name in ("one", "two"):
                for visitor in (client, httpx):
                    base = "" if visitor is client else traps.edge
                    text = visitor.get(f"{base}/page/{name}/").text  # type: ignore[attr-defined]
                    assert f"<i id=where>/page/{name}/</i>" in text


def test_htmx_is_answered_by_the_origin_and_never_stored(traps: Stack) -> None:
    for _ in range(2):
        assert "whole" in httpx.get(f"{traps.edge}/htmx/").text
        part = httpx.get(f"{traps.edge}/htmx/", headers={"HX-Request": "true"})
        assert part.text == "<p>part</p>"
        assert "hit" not in part.headers.get("cache-status", "")


def test_htmx_first(traps_factory: Callable[..., Stack]) -> None:
    """The very first visitor of a URL is one that must be passed."""
    stack = traps_factory()
    assert httpx.get(f"{stack.edge}/htmx/", headers={"HX-Request": "true"}).text == "<p>part</p>"
    assert "whole" in httpx.get(f"{stack.edge}/htmx/").text


def test_marketing_parameters_share_one_page_and_reach_no_view(traps: Stack) -> None:
    warm(traps, "/page/marketing/?q=lamp")
    page = httpx.get(f"{traps.edge}/page/marketing/?utm_source=mail&q=lamp&gclid=123")

    assert "hit" in page.headers["cache-status"]
    assert "<p id=query>lamp</p>" in page.text
    other = httpx.get(f"{traps.edge}/page/marketing/?q=pot")
    assert "<p id=query>pot</p>" in other.text


def test_a_cache_block_around_a_form(traps_factory: Callable[..., Stack]) -> None:
    """The block that a first pass filled serves every page: all get their own token and name."""
    stack = traps_factory()
    with browser(stack) as anna, browser(stack) as bert:
        log_in(anna, "anna")
        log_in(bert, "bert")
        for path in ("/cached-form/", "/plain-form/") * 2:
            for client, name in ((anna, "anna"), (bert, "bert"), (anna, "anna")):
                page = client.get(path)
                assert who(page) == name
                token = TOKEN.search(page.text)
                assert token
                assert unmask(token[1]) == unmask(client.cookies["csrftoken"])
                form = {"csrfmiddlewaretoken": token[1]}
                sent = client.post(
                    "/plain-form/", data=form, headers={"Referer": stack.edge + path}
                )
                assert sent.status_code == 302


def test_a_cache_block_that_holds_somebodys_token(traps_factory: Callable[..., Stack]) -> None:
    """Filled by a page that is not two-pass, `{% cache %}` holds one visitor's token, as it does
    without us. A two-pass page that meets it is passed: the edge never spreads such a token.
    """
    stack = traps_factory()
    with browser(stack) as anna:
        log_in(anna, "anna")
        anna.get("/plain-form/")
        for _ in range(3):
            page = httpx.get(f"{stack.edge}/cached-form/")
            assert "csrf" in page.headers["cache-status"]
            assert "hit" not in page.headers["cache-status"]


def test_a_login_wall_is_never_cached_for_everybody(traps: Stack) -> None:
    with browser(traps) as anna:
        for _ in range(3):
            wall = httpx.get(f"{traps.edge}/members/")
            assert wall.status_code == 302
            assert "hit" not in wall.headers.get("cache-status", "")
        log_in(anna, "anna")
        for _ in range(3):
            page = anna.get("/members/")
            assert page.status_code == 200
            assert who(page) == "anna"
        assert httpx.get(f"{traps.edge}/members/").status_code == 302


def test_a_gate_decides_for_each_visitor(traps: Stack) -> None:
    with browser(traps) as anna:
        log_in(anna, "anna")
        for _ in range(3):
            page = anna.get("/gated/")
            assert (page.status_code, who(page)) == (200, "anna")
            assert "no-store" in page.headers["cache-control"]
            wall = httpx.get(f"{traps.edge}/gated/")
            assert wall.status_code == 302
            assert wall.headers["location"].startswith("/login/")
            assert httpx.head(f"{traps.edge}/gated/").status_code == 302
        assert anna.head("/gated/").status_code == 200


def test_a_user_outside_a_hole_is_passed_with_the_reason(traps: Stack) -> None:
    with browser(traps) as anna:
        log_in(anna, "anna")
        for _ in range(3):
            page = anna.get("/leaky/")
            assert "user: anna" in page.text
            assert "guard" in page.headers["cache-status"]
            assert "anna" not in httpx.get(f"{traps.edge}/leaky/").text


def test_a_broken_fragment_costs_its_own_place(traps: Stack) -> None:
    with browser(traps) as anna:
        log_in(anna, "anna")
        for client in (anna, httpx.Client(base_url=traps.edge)):
            page = client.get("/broken/")
            assert page.status_code == 200
            assert "before" in page.text
            assert "after" in page.text
            assert "RuntimeError" not in page.text


def test_the_head_and_first_bytes_do_not_wait_for_fragments(traps: Stack) -> None:
    import time

    warm(traps, "/slow/")
    with httpx.stream("GET", f"{traps.edge}/slow/") as page:
        started = time.monotonic()
        chunks = page.iter_raw()
        first = next(chunks)
        early = time.monotonic() - started
        rest = b"".join(chunks)
        whole = time.monotonic() - started

    assert b"before" in first
    assert b"after" in first + rest
    assert whole - early > 0.4, "the slow fragment did not hold back what stands behind it"


def test_messages_are_shown_once(traps: Stack) -> None:
    with browser(traps) as client:
        client.get("/page/home/")
        for _ in range(3):
            assert client.post("/change/").status_code == 302
            assert client.get("/page/home/").text.count("changed") == 1
            assert "changed" not in client.get("/page/home/").text


def test_a_beacon_keeps_the_visitors_fragments(traps: Stack) -> None:
    with browser(traps) as client:
        log_in(client, "anna")
        client.get("/page/home/")
        client.get("/page/home/")
        epoch = client.cookies.get("twopass_epoch")
        assert client.post("/beacon/").status_code == 204
        assert client.cookies.get("twopass_epoch") == epoch
        client.post("/change/")
        assert client.cookies.get("twopass_epoch") != epoch


def test_the_epoch_never_reaches_the_origin(traps: Stack) -> None:
    with browser(traps) as client:
        client.post("/change/")
        assert client.cookies.get("twopass_epoch")
        seen = client.get("/echo/").text

    assert "twopass_epoch" not in seen
    assert "messages" in seen or "sessionid" in seen


def test_a_password_changed_elsewhere_ends_the_greeting(traps: Stack) -> None:
    with browser(traps) as here, browser(traps) as there:
        log_in(here, "bert")
        assert who(here.get("/page/home/")) == "bert"
        change = (
            "from django.contrib.auth.models import User\n"
            "user = User.objects.get(username='bert')\n"
            "user.set_password('password-of-bert'); user.save()\n"
        )
        environment = {
            **os.environ,
            **traps.origin.environment,
            "TWOPASS_ADMIN_TOKEN": traps.token,
        }
        script = (
            "from django.conf import settings\n"
            f"settings.TWOPASS = {{**settings.TWOPASS, 'EDGES': {traps.admins!r}}}\n"
        )
        done = subprocess.run(
            [sys.executable, "-m", "django", "shell", "-v", "0", "-c", script + change],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert who(here.get("/page/home/")) == "nobody"
        log_in(there, "bert")


def test_everything_unmarked_passes_untouched(traps: Stack) -> None:
    seen = httpx.get(f"{traps.edge}/echo/?b=2&a=1&utm_source=x&a=0", headers={"X-Own": "1"}).text
    assert seen.splitlines()[0] == "/echo/?b=2&a=1&utm_source=x&a=0"
    assert "X-Own: 1" in seen
    # a WSGI origin reads as much as Content-Length says, so the edge must keep it
    sent = httpx.post(f"{traps.edge}/echo/", content=b"y" * 6_553_600)
    assert sent.text == "6553600"
    assert len(httpx.get(f"{traps.edge}/download/").content) == 65536 * 200


def test_a_login_wall_over_the_whole_site(traps_factory: Callable[..., Stack]) -> None:
    """LoginRequiredMiddleware answers before any view; nothing of it may be kept for others."""
    stack = traps_factory(TRAPS_LOGIN_WALL="1")
    with browser(stack) as anna:
        for _ in range(2):
            assert httpx.get(f"{stack.edge}/page/home/").status_code == 302
        log_in(anna, "anna")
        for _ in range(3):
            page = anna.get("/page/home/")
            assert page.status_code == 200
            assert who(page) == "anna"
            assert httpx.get(f"{stack.edge}/page/home/").status_code == 302


def test_https_behind_the_edge(traps_factory: Callable[..., Stack]) -> None:
    """SECURE_SSL_REDIRECT: http is redirected, https works, and neither is taken for the other."""
    stack = traps_factory("--trusted-proxies", "127.0.0.1", TRAPS_HTTPS="1")
    secure = {"X-Forwarded-Proto": "https", "Host": "shop.example"}
    with httpx.Client(base_url=stack.edge, headers={"Host": "shop.example"}) as client:
        for _ in range(3):
            plain = client.get("/page/home/")
            assert plain.status_code == 301
            assert plain.headers["location"] == "https://shop.example/page/home/"
            page = client.get("/page/home/", headers=secure)
            assert page.status_code == 200
            assert who(page) == "nobody"
        assert "hit" in page.headers["cache-status"]
        name, value, *attributes = re.split("[=;] ?", page.headers["set-cookie"])
        assert name == "csrftoken"
        assert "Secure" in attributes
        token = TOKEN.search(page.text)
        assert token
        form = {"csrfmiddlewaretoken": token[1]}
        for where, status in (
            ({"Referer": "https://shop.example/page/home/"}, 302),
            ({"Origin": "https://shop.example"}, 302),
            ({"Referer": "https://evil.example/page/home/"}, 403),
            ({}, 403),
        ):
            sent = client.post(
                "/plain-form/", data=form, headers={**secure, **where, "Cookie": f"{name}={value}"}
            )
            assert sent.status_code == status


def test_tokens_in_the_session(traps_factory: Callable[..., Stack]) -> None:
    stack = traps_factory(TRAPS_CSRF_IN_SESSION="1")
    with browser(stack) as anna, browser(stack) as bert:
        for client, name in ((anna, "anna"), (bert, "bert")):
            log_in(client, name)
        for client in (anna, bert, anna):
            token = TOKEN.search(client.get("/page/home/").text)
            assert token
            form = {"csrfmiddlewaretoken": token[1]}
            sent = client.post("/plain-form/", data=form, headers={"Referer": stack.edge + "/"})
            assert sent.status_code == 302

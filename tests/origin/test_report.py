from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import override_settings

from origin import registry
from origin.registry import fragment
from origin.report.templates import holes_of

from . import report_urls
from .template_sets import django_engine, engines_of
from .test_jinja2_auto_holes import engine as jinja2_engine

pytestmark = pytest.mark.django_db

TEMPLATES = {
    "base.html": '{% include "./part.html" %}{% if messages %}{% for m in messages %}{{ m }}'
    "{% endfor %}{% endif %}{% block main %}{% endblock %}",
    "part.html": '{% fragment "basket" %}{% fragment "lost" %}{% fragment name %}',
    "home.html": '{% second_pass "greeting" key=key scope="no-store" %}x{% endsecond_pass %}'
    '<i nonce="{% csp_nonce %}">{{ csrf_token }}{{ csrf_token }}</i>',
    "child.html": '{% extends "base.html" %}{% include template %}',
    "loop.html": '{% include "loop.html" %}',
}


@pytest.fixture(autouse=True)
def site(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "_FRAGMENTS", {})
    fragment("basket", when_cookie=("basket", "sessionid"), max_age=20)(lambda request: "")
    report_urls.seen.clear()
    with (
        engines_of(
            django_engine(TEMPLATES, builtins=("origin.templatetags.twopass_auto",)),
            jinja2_engine(
                {
                    "j.jinja": '{% extends "jbase.jinja" %}{% block b %}{{ fragment("basket") }}'
                    '{% second_pass "hi" %}x{% endsecond_pass %}{% endblock %}',
                    "jbase.jinja": "{% if messages %}{{ messages|first }}{% endif %}"
                    "{% block b %}{% endblock %}",
                }
            ),
        ),
        override_settings(
            ROOT_URLCONF="tests.origin.report_urls",
            MIDDLEWARE=[
                "origin.middleware.TwoPassMiddleware",
                "django.contrib.sessions.middleware.SessionMiddleware",
                "django.middleware.csrf.CsrfViewMiddleware",
                "django.contrib.auth.middleware.AuthenticationMiddleware",
                "django.contrib.messages.middleware.MessageMiddleware",
            ],
        ),
    ):
        yield


def run(*arguments: str) -> tuple[str, int]:
    """What it prints, and the exit status."""
    out = io.StringIO()
    try:
        call_command("two_pass_report", *arguments, stdout=out)
    except SystemExit as stop:
        return out.getvalue(), int(str(stop.code))
    return out.getvalue(), 0


def run_json(*arguments: str) -> Any:
    return json.loads(run("--json", *arguments)[0])


# --- routes


def test_routes_with_the_holes_of_their_templates():
    rows = {row["pattern"]: row for row in run_json()}

    assert set(rows) == {
        "",
        "account/",
        "detail/",
        "guarded/",
        "counted/",
        "named/",
        "broken/",
    }
    home, account = rows[""], rows["account/"]
    assert (home["max_age"], home["query"], home["gate"]) == (30, ["page"], False)
    assert home["view"] == "tests.origin.report_urls.home"
    assert home["templates"] == ["home.html"]
    assert [(hole["kind"], hole["name"], hole["scope"]) for hole in home["holes"]] == [
        ("block", "greeting", "no-store")
    ]
    assert account["gate"] is True
    assert account["templates"] == ["child.html"]
    assert {(hole["kind"], hole["name"]) for hole in account["holes"]} == {
        ("messages", "messages:2"),
        ("fragment", "basket"),
        ("fragment", "lost"),
    }
    assert rows["detail/"]["templates"] == ["stock/product_detail.html"]
    assert rows["guarded/"]["templates"] == []


def test_the_table_names_fragments_that_nobody_registers():
    text, status = run()

    assert status == 0
    assert "fragment lost (part.html): NOBODY REGISTERS IT" in text
    assert (
        "fragment basket (part.html): private, max_age 20 s, only with cookie basket or sessionid"
        in text
    )
    assert "messages messages:2 (base.html): private, only with cookie" in text


def test_a_site_without_two_pass_views():
    with override_settings(ROOT_URLCONF="tests.origin.empty_urls"):
        assert run()[0].strip() == "No view is marked with @two_pass."


def test_templates_of_jinja2():
    assert {(hole.template, hole.kind, hole.name) for hole in holes_of("j.jinja")} == {
        ("j.jinja", "block", "hi"),
        ("j.jinja", "fragment", "basket"),
        ("jbase.jinja", "messages", "messages:1"),
    }


def test_templates_that_go_round_or_are_gone():
    assert holes_of("loop.html") == []
    assert holes_of("gone.html") == []


# --- one page


def test_a_shell_explained():
    text, status = run("--explain", "/?page=2&utm_source=x")

    assert status == 0
    assert "groups      home" in text
    assert "fresh       30 s" in text
    assert "hole        block home.html#greeting key=7: no-store" in text
    assert "hole        csrf in 2 places" in text
    assert "hole        nonce" in text


def test_a_shell_explained_to_programs():
    document = run_json("--explain", "http://shop.example/")

    assert document["is_two_pass"] is True
    assert document["shell"]["groups"] == ["home"]
    assert document["shell"]["holes"][0]["arguments"] == {"key": 7}
    assert document["shell"]["bytes"] > 0


@pytest.mark.parametrize("strict", [True, False])
def test_a_page_that_the_guard_stops_says_where(strict):
    with override_settings(TWOPASS={"STRICT": strict}):
        text, status = run("--explain", "/guarded/")

    assert status == 1
    assert "passed      guard" in text
    assert "report_urls.py, line" in text


def test_other_pages_say_why_they_have_no_shell():
    assert run_json("--explain", "/plain/")["reason"] == "status"
    assert "ZeroDivisionError" in run("--explain", "/broken/")[0]


def test_what_cannot_be_asked_for():
    with pytest.raises(CommandError, match="neither a URL nor a path"):
        run("--explain", "product")
    with pytest.raises(CommandError, match="write NAME=VALUE"):
        run("--explain", "/", "--cookie", "currency")


def test_dimensions_are_given_as_cookies():
    dimensions = {"currency": {"values": ["EUR", "USD"]}}
    with override_settings(TWOPASS={"DIMENSIONS": dimensions}, ROOT_URLCONF="tests.origin.priced"):
        shell = run_json("--explain", "/", "--cookie", "currency=USD")["shell"]

    assert shell["dimensions"] == {"currency": "USD"}


# --- leaks


@pytest.fixture
def users() -> None:
    for name in ("adalovelace", "evemallory", "carolshaw"):
        User.objects.create_user(name, f"{name}@example.org")


def test_an_anonymous_page(users):
    text, status = run("--leak-test", "/", "/account/")

    assert status == 0
    assert "anonymous  /" in text


def test_a_page_whose_bytes_differ(users):
    text, status = run("--leak-test", "/", "/counted/")

    assert status == 1
    assert "LEAK       /counted/" in text
    assert "the page differs" in text


def test_a_page_that_holds_an_address_both_times(users):
    report_urls.seen.append("evemallory@example.org")  # as a cache that is not keyed by user does

    (verdict,) = run_json("--leak-test", "/named/", "--as", "evemallory", "--as", "adalovelace")

    assert verdict["verdict"] == "LEAK"
    assert any("e-mail address" in leak for leak in verdict["leaks"])


def test_a_page_that_is_passed_is_neither(users):
    text, status = run("--leak-test", "/plain/")

    assert status == 0
    assert "passed     /plain/" in text


def test_nothing_of_the_test_stays(users):
    run("--leak-test", "/")

    assert Session.objects.count() == 0
    assert not User.objects.filter(last_login__isnull=False).exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as", "nobody", "--as", "evemallory"], "no active user 'nobody'"),
        (["--as", "evemallory"], "two different users"),
        (["--as", "evemallory", "--as", "evemallory"], "two different users"),
    ],
)
def test_two_users_are_needed(users, arguments, message):
    with pytest.raises(CommandError, match=message):
        run("--leak-test", "/", *arguments)


def test_without_any_users():
    with pytest.raises(CommandError, match="two different users"):
        run("--leak-test", "/")


def test_buckets_are_no_difference(users):
    dimensions = {"banner": {"source": "bucket", "weights": {"a": 1, "b": 1}}}
    with override_settings(TWOPASS={"DIMENSIONS": dimensions}, ROOT_URLCONF="tests.origin.priced"):
        for _ in range(8):
            assert run_json("--leak-test", "/banner/")[0]["verdict"] == "anonymous"


def damaging(get_response):
    """A middleware that changes what an edge would get."""

    def answer(request):
        response = get_response(request)
        response.content += b"\n"
        return response

    return answer


def test_a_shell_that_a_middleware_changes_is_reported_as_the_edge_sees_it():
    changed = [f"{__name__}.damaging", *settings.MIDDLEWARE]
    with override_settings(MIDDLEWARE=changed):
        text, status = run("--explain", "/")

    assert status == 1
    assert "a shell that cannot be read" in text

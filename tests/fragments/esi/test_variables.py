from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page import rendered, view

from fragments.esi.variables import Variable, parse_template, render_text, render_url, user_agent

HEADERS = [
    ("cookie", "sessionid=secret; theme=dark"),
    ("cookie", "lang=de"),
    ("authorization", "Bearer secret"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko"),
    ("referer", "http://other.example/?a=b&c=<d>"),
    ("twopass-proof", "secret"),
    ("x-forwarded-for", "10.0.0.1"),
    ("x-custom", "yes"),
]
REQUEST = view(
    target="/a/b?q=a+b%26c&q=2&html=%3Cb%3E&up=..%2F..%2Fadmin",
    headers=HEADERS,
    cookies=frozenset({"theme", "lang"}),
)


def shown(text: str) -> str:
    return render_text(parse_template(text), REQUEST)


def linked(text: str) -> str:
    return render_url(parse_template(text), REQUEST)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$(HTTP_HOST)", "shop.example"),
        ("$(REQUEST_METHOD) $(REQUEST_SCHEME) $(REQUEST_PATH)", "GET http /a/b"),
        ("$(QUERY_STRING{q})", "a b&amp;c"),
        ("$(QUERY_STRING{'q'})", "a b&amp;c"),
        ("$(QUERY_STRING{html})", "&lt;b&gt;"),
        ("$(HTTP_COOKIE{theme})", "dark"),
        ("$(HTTP_COOKIE)", "theme=dark; lang=de"),
        ("$(HTTP_X_CUSTOM)", "yes"),
        ("$(HTTP_REFERER)", "http://other.example/?a=b&amp;c=&lt;d&gt;"),
        ("$(HTTP_USER_AGENT{os})", "UNIX"),
        ("$(NONE|'a b')", "a b"),
        ("$(NONE|42)", "42"),
        ("$(NONE|)", ""),
        ("$(HTTP_COOKIE{none}|'<b>')", "<b>"),
        ("$(NONE)", ""),
        ("a$(HTTP_HOST)b$(NONE)c", "ashop.examplebc"),
        ("$ $( $(a b) $() $(1) $x $(A{b)", "$ $( $(a b) $() $(1) $x $(A{b)"),
    ],
)
def test_values(text: str, value: str) -> None:
    assert shown(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "$(HTTP_COOKIE{sessionid})",
        "$(HTTP_AUTHORIZATION)",
        "$(HTTP_PROXY_AUTHORIZATION)",
        "$(HTTP_TWOPASS_PROOF)",
        "$(HTTP_X_FORWARDED_FOR)",
        "$(HTTP_X_CUSTOM{key})",
        "$(HTTP_HOST{key})",
    ],
)
def test_what_must_not_be_seen_is_not_there(text: str) -> None:
    assert shown(text) == ""


def test_all_cookies_only_when_all_are_allowed() -> None:
    everything = view(headers=HEADERS, cookies=frozenset({"*"}))
    nothing = view(headers=HEADERS)

    assert render_text(parse_template("$(HTTP_COOKIE{sessionid})"), everything) == "secret"
    assert render_text(parse_template("$(HTTP_COOKIE)"), nothing) == ""


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("/f?q=$(QUERY_STRING{q})", "/f?q=a%20b%26c"),
        ("/$(QUERY_STRING{up})/x", "/..%2F..%2Fadmin/x"),
        ("/f?$(QUERY_STRING)", "/f?q=a+b%26c&q=2&html=%3Cb%3E&up=..%2F..%2Fadmin"),
        ("http://$(HTTP_HOST)$(REQUEST_PATH)", "http://shop.example/a/b"),
        ("/$(HTTP_REFERER)", "/http%3A%2F%2Fother.example%2F%3Fa%3Db%26c%3D%3Cd%3E"),
        ("$(HTTP_X_CUSTOM)$(NONE|'/d?')", "yes/d?"),
    ],
)
def test_in_a_url_a_value_stays_in_its_part(text: str, url: str) -> None:
    assert linked(text) == url


def test_references_are_read_once() -> None:
    request = view(target="/?a=$(HTTP_COOKIE)", headers=HEADERS, cookies=frozenset({"*"}))

    assert render_text(parse_template("$(QUERY_STRING{a})"), request) == "$(HTTP_COOKIE)"


def test_a_template_keeps_its_parts() -> None:
    assert parse_template("a$(B{c}|d)e") == ("a", Variable("B", "c", "d"), "e")


@given(st.text(max_size=50))
def test_escaped_values_open_nothing(value: str) -> None:
    request = view(headers=[("x-a", value)])
    text = render_text(parse_template("$(HTTP_X_A)"), request)
    url = render_url(parse_template("$(HTTP_X_A)"), request)

    assert not set(text) & set("<>\"'")
    assert not set(url) & set("/?#&:@\\\"'<> \r\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mozilla/4.0 (compatible; MSIE 6.0; Windows NT)", ("MSIE", "6.0", "WIN")),
        ("Mozilla/5.0 (Macintosh; rv:9.0)", ("MOZILLA", "5.0", "MAC")),
        ("curl/8", ("OTHER", "", "OTHER")),
    ],
)
def test_user_agents(text: str, expected: tuple[str, str, str]) -> None:
    assert tuple(user_agent(text).values()) == expected


def test_only_vars_substitutes_in_text() -> None:
    page = (
        "$(HTTP_HOST)<esi:vars>$(HTTP_HOST)<esi:remove>x</esi:remove>"
        "$(HTTP_HOST)</esi:vars>$(HTTP_HOST)"
    )

    assert rendered(page) == "$(HTTP_HOST)shop.exampleshop.example$(HTTP_HOST)"

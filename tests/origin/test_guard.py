"""The first pass's guard: evaluation fires and names its place, touching does not."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import AsyncClient, Client, override_settings

from origin import counters
from origin.guard import FirstPassViolation
from tests.origin import edge_side
from tests.origin.shop import settings as shop_settings

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shop")]


def in_production() -> override_settings:
    return override_settings(TWOPASS={**django_settings.TWOPASS, "STRICT": False})


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("user", "request.user"),
        ("session", "request.session.get('x')"),
        ("session-in", "request.session"),
        ("session-key", "request.session.session_key"),
        ("session-set", "request.session['x'] = …"),
        ("session-keys", "request.session"),
        ("messages", "messages"),
        ("messages-add", "messages.add()"),
        ("cookie", "request.COOKIES['basket']"),
        ("cookies", "request.COOKIES"),
        ("cookies-any", "request.COOKIES"),
        ("cookies-copy", "request.COOKIES"),
    ],
)
def test_in_development_each_evaluation_raises_and_names_itself(
    client: Client, what: str, named: str
) -> None:
    with pytest.raises(FirstPassViolation) as caught:
        client.get(f"/evaluates/{what}/")

    text = str(caught.value)
    assert text.startswith(f"{named} was evaluated while /evaluates/{what}/ was rendered")
    assert "shop/views.py, line" in text
    assert "second_pass" in text


def test_a_dimension_that_the_page_does_not_declare_fires(client: Client) -> None:
    with pytest.raises(FirstPassViolation, match=r"dimension 'tier' .* was evaluated"):
        client.get("/undeclared/")
    with in_production():
        assert client.get("/undeclared/").content == b"retail"


def test_touching_does_not_fire(client: Client) -> None:
    assert client.get("/evaluates/touch/").content == b"<p>seen</p>"
    assert counters.read("guard") == {}


@pytest.mark.parametrize(
    ("path", "line"), [("/nosy/", 3), ("/nosy-template/", 3), ("/swallowed/", 2)]
)
def test_the_template_and_its_line_are_named(client: Client, path: str, line: int) -> None:
    with pytest.raises(FirstPassViolation, match=rf"template shop/\w+\.html, line {line} \("):
        client.get(path)


def test_so_is_the_line_of_a_jinja2_template(client: Client) -> None:
    jinja2 = {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "j2",
        "DIRS": [str(Path(shop_settings.__file__).parent / "jinja2")],
    }
    with (
        override_settings(TEMPLATES=[*django_settings.TEMPLATES, jinja2]),
        pytest.raises(FirstPassViolation, match=r"template nosy\.j2, line 2"),
    ):
        client.get("/jinja/")


@pytest.mark.parametrize("path", ["/nosy/", "/nosy-template/", "/swallowed/", "/members/"])
def test_in_production_the_page_is_passed_and_counted(
    client: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    ann = Client()
    ann.force_login(User.objects.create_user("Ann"))

    with in_production(), caplog.at_level(logging.WARNING, "twopass.guard"):
        hers = ann.get(path)
        other = client.get(path)

    assert hers.status_code == 200
    assert hers.headers["Cache-Control"] == "private, no-store"
    assert b"Ann" in hers.content or b"member" in hers.content
    assert b"Ann" not in other.content
    assert b"<p>member" not in other.content
    assert counters.read("pass") == {("pass", "guard"): 2}
    assert sum(counters.read("guard").values()) == 2
    assert "request.user was evaluated" in caplog.text
    assert "Ann" not in caplog.text


def test_the_edge_is_told_why(client: Client) -> None:
    with in_production():
        first = edge_side.ask("/nosy/", "first")
        probe = edge_side.ask("/nosy/", "probe")

    assert (first.status_code, first.headers["TwoPass-Pass"], first.content) == (204, "guard", b"")
    assert (probe.status_code, probe.headers["TwoPass-Pass"]) == (200, "guard")
    assert "no-store" in probe.headers["Cache-Control"]


def test_in_development_the_edge_gets_the_error_page(client: Client) -> None:
    client.raise_request_exception = False
    assert edge_side.ask("/nosy/", "first", client=client).status_code == 500
    assert edge_side.ask("/nosy/", "probe", client=client).status_code == 500
    passed = edge_side.ask("/nosy/", "probe", client=client, capable=False)
    assert passed.status_code == 500


async def test_async_views_are_guarded() -> None:
    from origin.page import two_pass

    assert two_pass  # the views are marked where they are written
    with pytest.raises(FirstPassViolation):
        await AsyncClient().get("/nosy/")


def test_what_comes_after_the_view_finds_the_request_as_it_was(client: Client) -> None:
    """SessionMiddleware and MessageMiddleware look at the request when the view is done."""
    response = client.get("/function/")
    assert response.status_code == 200
    assert "sessionid" not in response.cookies


def test_a_session_made_for_everybody_is_none() -> None:
    with override_settings(SESSION_SAVE_EVERY_REQUEST=True):
        shell = edge_side.ask("/function/", "first")
        assert "sessionid" not in shell.cookies
        assert edge_side.shell_of(shell).status == 200
        client = Client()
        client.force_login(User.objects.create_user("Bob"))
        assert b"Hello Bob" in client.get("/function/").content
        assert b"Hello" not in Client().get("/function/").content

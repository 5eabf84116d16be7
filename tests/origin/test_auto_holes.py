from __future__ import annotations

import logging
from pathlib import Path

import django.contrib.admin
import pytest
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import CookieStorage
from django.template import TemplateSyntaxError
from django.test import override_settings

from fragments.include import Include
from origin import rendering
from origin.messages import message_cookies

from .template_sets import django_engine, engines_of, fill, includes, page, plain, visitor

AUTO = ("origin.templatetags.twopass_auto",)
LIST = (
    "<ul>{% for message in messages %}<li class='{{ message.tags }}'>{{ message }}{% endfor %}</ul>"
)
ADMIN = Path(django.contrib.admin.__file__).parent / "templates/admin/base.html"

TEMPLATES = {
    "if.html": "<h1>{{ title }}</h1>{% if messages %}" + LIST + "{% endif %}<hr>",
    "for.html": "{% for message in messages %}<p>{{ message }}{% endfor %}",
    "for_empty.html": "{% for message in messages %}{{ message }}{% empty %}nothing{% endfor %}",
    "else.html": "{% if messages %}yes{% else %}no{% endif %}",
    "elif.html": "{% if off %}off{% elif messages|length > 1 %}many{% else %}few{% endif %}",
    "with.html": "{% with m=messages %}[{% for x in m %}{{ x }}{% endfor %}]{% endwith %}",
    "include_as.html": '{% include "shown.html" with news=messages only %}',
    "shown.html": "{% for x in news %}({{ x }}){% endfor %}",
    "include.html": '<i>{% include "if.html" %}</i>',
    "include_twice.html": '{% include "if.html" %}{% include "if.html" %}',
    "base.html": '<body>{% block messages %}{% include "if.html" %}{% endblock %}'
    "{% block main %}{% endblock %}</body>",
    "child.html": '{% extends "base.html" %}{% block main %}main{{ title }}{% endblock %}',
    "same_line.html": "{% if messages %}a{% endif %}{% if messages %}b{% endif %}",
    "plain_values.html": "{% if messages %}<p class='{{ css }}'>{{ user.username }}{{ n|add:1 }}"
    "{% endif %}",
    "binding.html": "{% if messages %}{% for message in messages %}{{ forloop.counter }}"
    "{% if message.tags %}{% with t=message.tags %}{{ t }}{% endwith %}{% endif %}{% endfor %}"
    "{% endif %}",
    "blocks_base.html": "{% if messages %}{% block inner %}base{% block deep %}{% endblock %}"
    "{% endblock %}{% endif %}",
    "blocks_mid.html": '{% extends "blocks_base.html" %}{% block inner %}mid{{ title }}'
    "{{ block.super }}{% endblock %}",
    "blocks_leaf.html": '{% extends "blocks_mid.html" %}{% block deep %}leaf{% endblock %}'
    "{% block inner %}<{{ block.super }}>{% endblock %}",
}


def with_messages(*texts: str):
    request = visitor("/")
    request.user = User(username="ada")
    storage = request._messages = CookieStorage(request)
    for text in texts:
        messages.info(request, text)
    # as they are in the request after the one that added them
    storage._loaded_data = [Message(item.level, item.message) for item in storage._queued_messages]
    storage._queued_messages = []
    return request


@pytest.fixture(autouse=True)
def templates():
    with engines_of(django_engine({**TEMPLATES, "admin.html": ADMIN.read_text()}, builtins=AUTO)):
        yield


@pytest.mark.parametrize("texts", [(), ("<Saved>",), ("one", "two & three")])
@pytest.mark.parametrize("name", sorted(name for name in TEMPLATES if name != "shown.html"))
def test_the_bytes_are_those_of_one_pass(name, texts):
    context = {"title": "T&T", "css": "big", "n": 2}
    request = with_messages(*texts)

    shell = page(request, name, **context)

    assert len(includes(shell)) == (2 if name in ("same_line.html", "include_twice.html") else 1)
    assert not request._messages.used
    assert fill(with_messages(*texts), shell) == plain(with_messages(*texts), name, **context)


def test_a_shell_is_the_same_for_all():
    assert page(with_messages("secret"), "child.html") == page(with_messages(), "child.html")
    assert "secret" not in page(with_messages("secret"), "child.html")


def test_the_hole_writes_and_costs_nothing_without_cookies():
    found = rendering.find(Include.of("block", "if.html#messages:2", {}))

    assert found.options.writes
    assert found.options.scope == "private"
    assert found.options.when_cookies == ("messages", "sessionid")


@pytest.mark.parametrize(
    ("name", "free"),
    [
        ("if.html", True),
        ("for.html", True),
        ("for_empty.html", False),
        ("else.html", False),
        ("elif.html", False),
        ("with.html", False),
    ],
)
def test_only_a_block_that_is_empty_without_messages_waits_for_a_cookie(name, free):
    (include,) = includes(page(with_messages(), name))

    assert bool(rendering.find(include).options.when_cookies) is free


@pytest.mark.parametrize(
    ("condition", "free"),
    [
        ("messages", True),
        ("messages|length", True),
        ("show and messages", True),
        ("messages or show", False),
        ("messages|length or messages", True),
        ("not messages", False),
        ("messages|first == None", False),
    ],
)
def test_conditions_that_are_false_without_messages(condition, free):
    templates = {"t.html": "{% if " + condition + " %}x{% endif %}"}
    with engines_of(django_engine(templates, builtins=AUTO)):
        (include,) = includes(page(with_messages(), "t.html", show=True))

        assert bool(rendering.find(include).options.when_cookies) is free


@pytest.mark.parametrize(
    ("storage", "cookies"),
    [
        ("fallback.FallbackStorage", ("messages", "sessionid")),
        ("cookie.CookieStorage", ("messages",)),
        ("session.SessionStorage", ("sessionid",)),
    ],
)
def test_cookies_follow_the_storage(storage, cookies):
    with override_settings(MESSAGE_STORAGE=f"django.contrib.messages.storage.{storage}"):
        assert message_cookies() == cookies


def test_a_pages_own_messages_are_not_touched():
    for mine in (["mail"], []):
        text = page(with_messages("secret"), "for.html", messages=mine)

        assert not includes(text)
        assert text == "".join(f"<p>{item}" for item in mine)


def test_outside_a_request_or_without_the_processor_nothing_changes():
    assert plain(with_messages("a"), "for.html") == "<p>a"
    request = visitor()
    request.user = User()
    assert page(request, "for.html") == ""


def test_plain_values_of_the_page_travel_as_arguments():
    (include,) = includes(page(with_messages(), "plain_values.html", css="big", n=2))

    assert dict(include.args) == {"css": "big", "n": 2}


def test_other_values_are_named_in_development():
    templates = {"t.html": "\n{% if messages %}{{ product.name }}{% endif %}"}
    with (
        engines_of(django_engine(templates, builtins=AUTO)),
        override_settings(TWOPASS={"STRICT": True}),
        pytest.raises(TemplateSyntaxError, match=r"t\.html, line 2: .* the page's own product,"),
    ):
        page(with_messages(), "t.html", product=User())


def test_in_production_such_a_block_renders_in_place_and_meets_the_guard(caplog):
    templates = {"t.html": "{% if messages %}{{ product.username }}{% endif %}"}
    with (
        engines_of(django_engine(templates, builtins=AUTO)),
        caplog.at_level(logging.WARNING, "twopass.auto_holes"),
    ):
        text = page(with_messages("x"), "t.html", product=User(username="tea"))

    assert text == "tea"
    assert "the page's own product" in caplog.text


def test_variables_in_includes_and_translated_texts_are_seen():
    templates = {
        "t.html": '{% load i18n %}{% if messages %}{% include "u.html" %}{% endif %}',
        "u.html": "{% load i18n %}{% blocktranslate %}Dear {{ name }}{% endblocktranslate %}",
    }
    with engines_of(django_engine(templates, builtins=AUTO)):
        shell = page(with_messages(), "t.html", name="Ada")

        assert dict(includes(shell)[0].args) == {"name": "Ada"}
        assert fill(with_messages("x"), shell) == "Dear Ada"


def test_a_template_that_includes_itself_ends():
    templates = {
        "t.html": '{% if messages %}{% if n %}{% include "t.html" with n=0 %}{% endif %}x'
        "{% endif %}"
    }
    with engines_of(django_engine(templates, builtins=AUTO)):
        shell = page(with_messages(), "t.html", n=1)

        assert fill(with_messages("m"), shell) == "xx"


def test_inside_a_second_pass_block_messages_are_a_hole_of_their_own():
    templates = {
        "t.html": '{% second_pass "m" %}<{% if messages %}'
        + LIST
        + "{% endif %}>{% endsecond_pass %}"
    }
    with engines_of(django_engine(templates, builtins=AUTO)):
        shell = page(with_messages(), "t.html")

        assert fill(with_messages("a"), shell) == plain(with_messages("a"), "t.html")


def test_the_admins_template_is_left_as_it_is():
    assert "{% if messages %}" in ADMIN.read_text()

    shell = page(with_messages(), "admin.html", is_popup=True)

    assert [include.name for include in includes(shell)] == ["admin.html#messages:2"]
    whole = plain(with_messages("<Saved>"), "admin.html", is_popup=True)
    assert fill(with_messages("<Saved>"), shell) == whole
    assert '<li class="info">&lt;Saved&gt;</li>' in whole

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import jinja2
import pytest
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.messages.storage.base import Message
from django.contrib.messages.storage.cookie import CookieStorage
from django.test import override_settings

from origin import rendering

from .template_sets import PROCESSORS, engines_of, fill, includes, page, plain, visitor

EXTENSIONS = ["origin.jinja2_auto_holes.AutoHolesExtension", "origin.jinja2.TwoPassExtension"]
LIST = "<ul>{% for m in messages %}<li class='{{ m.tags }}'>{{ m }}{% endfor %}</ul>"

TEMPLATES = {
    "if.html": "<h1>{{ title }}</h1>{% if messages %}" + LIST + "{% endif %}<hr>",
    "for.html": "{% for m in messages %}<p>{{ m }}{% endfor %}",
    "else.html": "{% for m in messages %}<p>{{ m }}{% else %}none{% endfor %}",
    "with.html": "{% with m = messages %}[{% for x in m %}{{ x }}{% endfor %}]{% endwith %}",
    "function.html": "{% for m in get_messages(request) %}{{ m }}{% endfor %}",
    "alias.html": "{% set news = get_messages(request) %}<b>{% if news %}{{ news|join('|') }}"
    "{% endif %}</b>",
    "alias_same.html": "{% set messages = get_messages(request) %}{% if messages %}"
    + LIST
    + "{% endif %}",
    "output.html": "a{{ title }}b{{ messages|length }}c{{ title }}",
    "macro.html": "{% macro show(items) %}{% for x in items %}({{ x }}){% endfor %}{% endmacro %}"
    "{{ title }}{{ show(messages) }}!",
    "macro_inside.html": "{% macro star(x) %}*{{ x }}{% endmacro %}"
    "{% if messages %}{% for x in messages %}{{ star(x) }}{% endfor %}{% endif %}",
    "include.html": '<i>{% include "if.html" %}</i>',
    "base.html": '<body>{% block messages %}{% include "if.html" %}{% endblock %}'
    "{% block main %}{% endblock %}</body>",
    "child.html": '{% extends "base.html" %}{% block main %}{{ title }}{{ super() }}{% endblock %}',
    "loop.html": "{% for n in numbers %}{% if messages and n > 1 %}{{ n }}{{ loop.index }}"
    "{{ messages|first }}{% endif %}{% endfor %}",
    "plain_values.html": "{% if messages %}<p class='{{ css }}'>{{ user.username }}{{ n + 1 }}"
    "{% endif %}",
    "elif.html": "{% if off %}off{% elif messages %}some{% endif %}",
}


def engine(templates: Mapping[str, str], **options: Any) -> dict[str, Any]:
    return {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "jinja2",
        "OPTIONS": {
            "loader": jinja2.DictLoader(dict(templates)),
            "environment": "tests.origin.test_jinja2_auto_holes.environment",
            "extensions": EXTENSIONS,
            "context_processors": PROCESSORS,
            **options,
        },
    }


def environment(**options: Any) -> jinja2.Environment:
    """As Django's documentation has projects write it."""
    made = jinja2.Environment(**options)
    made.globals["get_messages"] = messages.get_messages
    return made


def with_messages(*texts: str):
    request = visitor("/")
    request.user = User(username="ada")
    storage = request._messages = CookieStorage(request)
    storage._loaded_data = [Message(messages.INFO, text) for text in texts]
    return request


@pytest.fixture(autouse=True)
def templates():
    with engines_of(engine(TEMPLATES)):
        yield


CONTEXT = {"title": "T&T", "css": "big", "n": 2, "numbers": [1, 2]}


@pytest.mark.parametrize("texts", [(), ("<Saved>",), ("one", "two & three")])
@pytest.mark.parametrize("name", sorted(set(TEMPLATES) - {"loop.html"}))
def test_the_bytes_are_those_of_one_pass(name, texts):
    request = with_messages(*texts)

    shell = page(request, name, **CONTEXT)

    assert len(includes(shell)) == 1
    assert not request._messages.used
    assert fill(with_messages(*texts), shell) == plain(with_messages(*texts), name, **CONTEXT)


def test_a_loop_around_it_gives_its_plain_variable_and_names_others(caplog):
    with caplog.at_level(logging.WARNING, "twopass.auto_holes"):
        page(with_messages(), "loop.html", **CONTEXT)

    assert "loop.html, line 1: the part about messages uses the page's own loop" in caplog.text


@pytest.mark.parametrize("name", ["if.html", "for.html", "function.html", "alias.html"])
def test_without_cookies_it_costs_nothing(name):
    (include,) = includes(page(with_messages(), name))
    options = rendering.find(include).options

    assert options.writes
    assert options.when_cookies == ("messages", "sessionid")


@pytest.mark.parametrize("name", ["else.html", "with.html", "output.html", "elif.html"])
def test_what_shows_something_without_messages_is_always_asked_for(name):
    (include,) = includes(page(with_messages(), name))

    assert rendering.find(include).options.when_cookies == ()


def test_plain_values_of_the_page_travel_as_arguments():
    (include,) = includes(page(with_messages(), "plain_values.html", **CONTEXT))

    assert dict(include.args) == {"css": "big", "n": 2}


def test_other_values_are_named_in_development():
    source = "\n{% if messages %}{{ product.name }}{% endif %}"
    with (
        engines_of(engine({"t.html": source})),
        override_settings(TWOPASS={"STRICT": True}),
        pytest.raises(jinja2.TemplateRuntimeError, match=r"t\.html, line 2: .* own product,"),
    ):
        page(with_messages(), "t.html", product=User())


def test_a_macros_own_argument_is_left_alone():
    source = (
        "{% macro show(messages) %}{% for m in messages %}{{ m }}{% endfor %}{% endmacro %}"
        "{{ show(['mail']) }}"
    )
    with engines_of(engine({"t.html": source})):
        assert page(with_messages("x"), "t.html") == "mail"


def test_a_block_about_messages_that_can_be_overridden_is_left_to_the_guard():
    source = "{% if messages %}{% block b %}{{ messages|length }}{% endblock %}{% endif %}"
    with engines_of(engine({"t.html": source})):
        assert plain(with_messages("x"), "t.html") == "1"
        request = with_messages("x")
        assert fill(request, page(request, "t.html")) == "1"


def test_outside_a_request_nothing_changes():
    assert plain(with_messages("a"), "for.html") == "<p>a"


def test_a_shell_is_the_same_for_all():
    assert page(with_messages("secret"), "child.html") == page(with_messages(), "child.html")


def test_a_second_pass_block_inside_and_outside():
    source = (
        '{% second_pass "a" %}{% if messages %}{{ messages|first }}{% endif %}{% endsecond_pass %}'
        '{% if messages %}{% second_pass "b" %}{{ user.username }}{% endsecond_pass %}{% endif %}'
    )
    with engines_of(engine({"t.html": source})):
        shell = page(with_messages("x"), "t.html")

        assert fill(with_messages("x"), shell) == "xada" == plain(with_messages("x"), "t.html")

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jinja2
import pytest
from django.contrib.auth.models import User
from django.template import TemplateSyntaxError, engines
from markupsafe import Markup

from fragments.include import Include
from origin import registry, rendering
from origin.arguments import UnfitArgument
from origin.registry import UnknownFragment, fragment

from .template_sets import (
    PROCESSORS,
    django_engine,
    engines_of,
    fill,
    includes,
    page,
    plain,
    visitor,
)


@pytest.fixture(autouse=True)
def fragments_of_one_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_FRAGMENTS", {})


def jinja2_engine(templates: Mapping[str, str], **options: Any) -> dict[str, Any]:
    """A setting for Jinja2 templates from a dictionary."""
    return {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "NAME": "jinja2",
        "OPTIONS": {
            "loader": jinja2.DictLoader(dict(templates)),
            "extensions": ["origin.jinja2.TwoPassExtension"],
            "context_processors": PROCESSORS,
            **options,
        },
    }


SHOP = {
    "page.html": (
        "<p>{{ title }}</p>"
        '{% second_pass "greeting", word=word, when_cookie="sessionid", max_age=30 %}'
        "{{ word }}, {{ user.first_name }}{{ title }}!"
        "{% endsecond_pass %}"
    ),
    "base.html": (
        "<body>{% block top %}{% endblock %}{% set product = 7 %}"
        '{% include "part.html" %}{% block main %}{% endblock %}'
        '{% second_pass "basket" %}of the base{% endsecond_pass %}</body>'
    ),
    "child.html": (
        '{% extends "base.html" %}{% block main %}{% for item in items %}'
        "{% if loop.first %}"
        '{% second_pass "basket" item=item %}{{ item }} of {{ user.username }}{% endsecond_pass %}'
        "{% endif %}{% endfor %}{% endblock %}"
    ),
    "part.html": '{% second_pass "price" id=product %}price {{ id }}{% endsecond_pass %}',
    "macros.html": (
        "{% macro inner(x) %}({{ x }}){% endmacro %}"
        '{% from "tools.html" import star as st %}{% import "tools.html" as tools %}'
        "{% macro outer(x) %}{{ inner(x) }}{{ st() }}{% endmacro %}"
        '{% second_pass "m" %}{{ outer(user.username) }}{{ tools.star() }}{% endsecond_pass %}'
    ),
    "tools.html": "{% macro star() %}*{% endmacro %}",
}


@pytest.fixture
def request_():
    request = visitor("/shop/")
    request.user = User(username="ada", first_name="Ada")
    return request


@pytest.fixture
def shop():
    with engines_of(jinja2_engine(SHOP)):
        yield


def test_a_block_becomes_a_marker_and_is_found_again(shop, request_):
    text = page(request_, "page.html", title="T&T", word="<Hi>")

    assert includes(text) == [Include.of("block", "page.html#greeting", {"word": "<Hi>"})]
    assert text.startswith("<p>T&amp;T</p>[[2p:")
    assert fill(request_, text) == "<p>T&amp;T</p>&lt;Hi&gt;, Ada!"


def test_outside_any_pass_a_block_renders_itself_with_the_same_bytes(shop, request_):
    for name in ("page.html", "child.html", "macros.html"):
        text = page(request_, name, title="T", word=Markup("<b>"), items=[1, 2])

        assert plain(request_, name, title="T", word=Markup("<b>"), items=[1, 2]) == fill(
            request_, text
        )


def test_its_options_are_read_off_the_compiled_template(shop):
    options = rendering.find(Include.of("block", "page.html#greeting", {})).options

    assert options.when_cookies == ("sessionid",)
    assert options.max_age == 30.0


def test_names_of_a_page_and_its_parents_do_not_clash(shop, request_):
    text = page(request_, "child.html", items=["tea", "milk"])

    assert [include.name for include in includes(text)] == [
        "part.html#price",
        "child.html#basket",
        "base.html#basket",
    ]
    assert fill(request_, text) == "<body>price 7tea of adaof the base</body>"


def test_macros_and_imports_of_the_template_are_there(shop, request_):
    assert fill(request_, page(request_, "macros.html")) == "(ada)**"


def test_a_bytecode_cache_keeps_blocks_and_options(request_, tmp_path):
    cache = jinja2.FileSystemBytecodeCache(str(tmp_path))
    texts = []
    for _ in range(2):
        with engines_of(jinja2_engine(SHOP, bytecode_cache=cache)):
            text = page(request_, "page.html", word="x")
            texts.append(text)
            assert fill(request_, text) == "<p></p>x, Ada!"
            found = rendering.find(Include.of("block", "page.html#greeting", {}))
            assert found.options.max_age == 30.0

    assert texts[0] == texts[1]
    assert list(tmp_path.iterdir())


def test_objects_are_refused_with_the_fix(shop, request_):
    with pytest.raises(UnfitArgument, match=r"word=word\.pk"):
        page(request_, "page.html", word=User(pk=1))
    with pytest.raises(jinja2.TemplateRuntimeError, match="pass keys"):
        page(request_, "page.html", word="x" * 5000)


def test_a_block_of_a_string_has_no_reference(shop, request_):
    found = engines["jinja2"].from_string('{% second_pass "x" %}y{{ user }}{% endsecond_pass %}')

    assert found.render({}, request_) == "yada"
    with engines_of(jinja2_engine({"p.html": "{% include inner %}"})):
        inner = engines["jinja2"].env.from_string('{% second_pass "x" %}y{% endsecond_pass %}')
        with pytest.raises(jinja2.TemplateRuntimeError, match="made from a string"):
            page(request_, "p.html", inner=inner)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% second_pass %}{% endsecond_pass %}", "begins with a name"),
        ('{% second_pass "a b" %}{% endsecond_pass %}', "begins with a name"),
        ('{% second_pass "a" scope=scope %}{% endsecond_pass %}', "scope must be a literal"),
        ('{% second_pass "a" scope="mine" %}{% endsecond_pass %}', "scope 'mine'"),
        ('{% second_pass "a" x=1, x=2 %}{% endsecond_pass %}', "x is given twice"),
        (
            '{% second_pass "a" %}{% endsecond_pass %}{% second_pass "a" %}{% endsecond_pass %}',
            "'a' appears more than once in t.html",
        ),
        (
            '{% second_pass "a" %}{% block b %}{% endblock %}{% endsecond_pass %}',
            "put the second_pass into the block",
        ),
        (
            '{% block b %}{% second_pass "a" %}{{ super() }}{% endsecond_pass %}{% endblock %}',
            "put it outside",
        ),
    ],
)
def test_a_mistake_says_what_to_write(source, message):
    with (
        engines_of(jinja2_engine({"t.html": source})),
        pytest.raises(TemplateSyntaxError, match=re.escape(message)),
    ):
        engines["jinja2"].get_template("t.html")


@pytest.mark.parametrize("reference", ["page.html#gone", "gone.html#greeting"])
def test_a_reference_that_leads_nowhere(shop, reference):
    with pytest.raises(UnknownFragment, match=re.escape(reference)):
        rendering.find(Include.of("block", reference, {}))


def test_both_engines_side_by_side(request_):
    source = '{% second_pass "a" %}{{ user.username }} in {{ "WHERE" }}{% endsecond_pass %}'
    with engines_of(
        django_engine({"t.html": source.replace("WHERE", "django")}),
        jinja2_engine({"t.html": source.replace("WHERE", "jinja2")}),
    ):
        text = page(request_, "t.html", "django") + page(request_, "t.html", "jinja2")

        assert [item.name for item in includes(text)] == ["t.html#a", "t.html#a@jinja2"]
        assert fill(request_, text) == "ada in djangoada in jinja2"


@pytest.mark.parametrize("make", [django_engine, jinja2_engine])
def test_a_block_in_a_block(request_, make):
    source = (
        '{% second_pass "a" %}<{% second_pass "b" %}{{ user.username }}{% endsecond_pass %}>'
        "{% endsecond_pass %}"
    )
    with engines_of(make({"t.html": source})):
        text = page(request_, "t.html")

        assert [item.name for item in includes(text)] == ["t.html#a"]
        assert fill(request_, text) == "<ada>" == plain(request_, "t.html")


def test_fragments_and_nonces_as_functions(request_):
    @fragment("stock")
    def stock(request, product):
        return f"<b>{product} for {request.user.username}</b>"

    source = '{{ fragment("stock", product=3) }}<i nonce="{{ csp_nonce() }}">'
    with engines_of(jinja2_engine({"t.html": source, "bad.html": '{{ fragment("stok") }}'})):
        text = page(request_, "t.html")

        assert [include.kind for include in includes(text)] == ["fragment", "nonce"]
        assert text.startswith("[[2p:")
        assert plain(request_, "t.html") == '<b>3 for ada</b><i nonce="">'
        with pytest.raises(UnknownFragment, match="did you mean 'stock'"):
            page(request_, "bad.html")
        with pytest.raises(jinja2.TemplateRuntimeError, match="needs a request"):
            engines["jinja2"].env.get_template("t.html").render()


def test_an_error_inside_names_the_line(request_):
    source = '\n\n{% second_pass "a" %}\n{{ 1 / 0 }}{% endsecond_pass %}'
    with (
        engines_of(jinja2_engine({"t.html": source})),
        pytest.raises(ZeroDivisionError) as raised,
    ):
        fill(request_, page(request_, "t.html"))

    assert raised.traceback[-1].lineno == 3

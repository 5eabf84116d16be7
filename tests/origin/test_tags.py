from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpResponse
from django.template import TemplateSyntaxError, engines
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from fragments.include import Include
from origin import registry, rendering
from origin.arguments import UnfitArgument
from origin.block_options import OPTION_NAMES
from origin.registry import UnknownFragment, fragment

from .template_sets import django_engine, engines_of, fill, includes, page, plain, visitor


@pytest.fixture(autouse=True)
def fragments_of_one_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_FRAGMENTS", {})


@pytest.fixture
def request_():
    request = visitor("/shop/")
    request.user = User(username="ada", first_name="Ada")
    return request


@pytest.fixture
def shop() -> Iterator[None]:
    templates = {
        "page.html": (
            "<p>{{ title }}</p>"
            '{% second_pass "greeting" word=word when_cookie="sessionid" max_age=30 %}'
            "{{ word }}, {{ user.first_name }}{{ title }}!"
            "{% endsecond_pass %}"
        ),
        "base.html": (
            "<body>{% block top %}{% endblock %}"
            '{% include "part.html" with product=7 %}{% block main %}{% endblock %}</body>'
        ),
        "child.html": (
            '{% extends "base.html" %}{% load twopass %}{% block main %}'
            '{% if on %}{% second_pass "basket" %}basket of {{ user.username }}{% endsecond_pass %}'
            "{% endif %}{% endblock %}"
        ),
        "part.html": '{% second_pass "price" id=product %}price {{ id }}{% endsecond_pass %}',
        "cached.html": (
            '{% load cache %}{% cache 500 "box" %}[{% second_pass "u" %}{{ user.username }}'
            "{% endsecond_pass %}]{% endcache %}"
        ),
    }
    with engines_of(django_engine(templates)):
        yield


def test_a_block_becomes_a_marker_and_is_found_again(shop, request_):
    text = page(request_, "page.html", title="T&T", word="Hello")

    (include,) = includes(text)
    assert include == Include.of("block", "page.html#greeting", {"word": "Hello"})
    assert text.startswith("<p>T&amp;T</p>[[2p:")
    assert "Ada" not in text
    assert fill(request_, text) == "<p>T&amp;T</p>Hello, Ada!"


def test_outside_any_pass_a_block_renders_itself_with_the_same_bytes(shop, request_):
    page_text = page(request_, "page.html", title="T", word="<Hi>")

    assert plain(request_, "page.html", title="T", word="<Hi>") == fill(request_, page_text)
    assert "&lt;Hi&gt;" in fill(request_, page_text)


def test_its_options_are_read_off_the_template(shop):
    found = rendering.find(Include.of("block", "page.html#greeting", {"word": "x"}))

    assert found.options.when_cookies == ("sessionid",)
    assert found.options.max_age == 30.0
    assert found.options.scope == "private"


def test_blocks_in_parents_blocks_and_includes_are_found(shop, request_):
    text = page(request_, "child.html", on=True)

    assert [include.name for include in includes(text)] == ["part.html#price", "child.html#basket"]
    assert fill(request_, text) == "<body>price 7basket of ada</body>"
    assert includes(page(request_, "child.html", on=False)) != includes(text)


def test_a_cached_block_holds_markers_and_no_visitor(shop, request_):
    first = page(request_, "cached.html")
    other = visitor()
    other.user = User(username="eve")

    assert fill(request_, first) == "[ada]"
    assert page(other, "cached.html") == first
    assert fill(other, first) == "[eve]"


def test_safe_text_is_escaped_again_in_every_mode(shop, request_):
    text = page(request_, "page.html", word=mark_safe("<b>"))

    assert "&lt;b&gt;" in fill(request_, text)
    assert "&lt;b&gt;" in plain(request_, "page.html", word=mark_safe("<b>"))


def test_translations_become_text(shop, request_):
    text = page(request_, "page.html", word=gettext_lazy("Hello"))

    assert dict(includes(text)[0].args) == {"word": "Hello"}


def test_an_object_is_refused_with_the_fix(shop, request_):
    with pytest.raises(UnfitArgument, match=r"'word' is a User: pass its key \(word=word\.pk\)"):
        page(request_, "page.html", word=User(pk=1))
    with pytest.raises(UnfitArgument, match=r"pass what it selects by"):
        page(request_, "page.html", word=User.objects.all())


def test_arguments_that_are_too_long_are_refused(shop, request_):
    with pytest.raises(TemplateSyntaxError, match="pass keys, and read the rest inside"):
        page(request_, "page.html", word="x" * 5000)


def test_without_a_request_a_block_still_renders(shop):
    text = engines["django"].get_template("page.html").render({"word": "Hi"})

    assert "Hi, !" in text


def test_a_block_of_a_string_has_no_reference(shop, request_):
    template = '{% second_pass "x" %}y{% endsecond_pass %}'
    found = engines["django"].from_string(template)

    assert found.render({}, request_) == "y"
    with (
        engines_of(django_engine({"p.html": "{% include inner %}"})),
        pytest.raises(TemplateSyntaxError, match="made from a string"),
    ):
        page(request_, "p.html", inner=engines["django"].from_string(template))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% second_pass %}{% endsecond_pass %}", "begins with a name"),
        ("{% second_pass name %}{% endsecond_pass %}", "must be a literal"),
        ('{% second_pass "a b" %}{% endsecond_pass %}', "letters, digits"),
        ('{% second_pass "a" 7 %}{% endsecond_pass %}', "'7' is no argument"),
        ('{% second_pass "a" scope=scope %}{% endsecond_pass %}', "scope=scope must be a literal"),
        ('{% second_pass "a" scope="mine" %}{% endsecond_pass %}', "scope 'mine'"),
        ('{% second_pass "a" max_age="soon" %}{% endsecond_pass %}', "seconds, 0 or more"),
        ('{% second_pass "a" writes=1 %}{% endsecond_pass %}', "True or False"),
        ('{% second_pass "a" groups=3 %}{% endsecond_pass %}', "names in quotes"),
        ('{% second_pass "a" %}', "Unclosed tag"),
        (
            '{% second_pass "a" %}{% endsecond_pass %}{% second_pass "a" %}{% endsecond_pass %}',
            "'a' %} appears more than once in t.html",
        ),
        (
            '{% second_pass "a" %}{% block b %}{% endblock %}{% endsecond_pass %}',
            "put the second_pass into the block",
        ),
        (
            '{% block b %}{% second_pass "a" %}{{ block.super }}{% endsecond_pass %}{% endblock %}',
            "has no parent in the second pass",
        ),
        ('{% fragment name="x" %}', "begins with a name"),
    ],
)
def test_a_mistake_says_what_to_write(source, message):
    with (
        engines_of(django_engine({"t.html": source})),
        pytest.raises(TemplateSyntaxError, match=re.escape(message)),
    ):
        engines["django"].get_template("t.html")


def test_options_take_every_form():
    source = (
        '{% second_pass "a" scope="no-store" groups="basket, user:{id}" dimensions="language" '
        'cookies="basket" when_cookie="sessionid basket" writes=True deadline=0.5 alt="sorry" '
        'placeholder="<i>…</i>" stale_while_revalidate=5 stale_if_error=7 id=3 %}'
        "{% endsecond_pass %}"
    )
    with engines_of(django_engine({"t.html": source})):
        options = rendering.find(Include.of("block", "t.html#a", {})).options

    assert options.scope == "no-store"
    assert options.groups == ("basket", "user:{id}")
    assert options.dimensions == ("language",)
    assert options.cookies == ("basket",)
    assert options.when_cookies == ("sessionid", "basket")
    assert (options.writes, options.deadline, options.alt) == (True, 0.5, "sorry")
    assert options.placeholder == "<i>…</i>"
    assert (options.stale_while_revalidate, options.stale_if_error) == (5.0, 7.0)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("page.html#greting", "has no such block (it has 'greeting')"),
        ("gone.html#greeting", "the template does not exist"),
        ("page.html", "no reference to a block"),
        ("page.html#greeting@other", "no template engine 'other'"),
    ],
)
def test_a_reference_that_leads_nowhere(shop, reference, message):
    with pytest.raises(UnknownFragment, match=re.escape(message)):
        rendering.find(Include.of("block", reference, {}))


def test_a_second_engine_is_named_in_the_reference(request_):
    source = '{% second_pass "a" %}of {{ x }}{{ who }}{% endsecond_pass %}'
    with engines_of(
        django_engine({"t.html": source.replace("{{ who }}", "one")}, "one"),
        django_engine({"t.html": source.replace("{{ who }}", "two")}, "two"),
    ):
        first, second = page(request_, "t.html", "one"), page(request_, "t.html", "two")

        assert [item.name for item in includes(first + second)] == ["t.html#a", "t.html#a@two"]
        assert fill(request_, first + second) == "of oneof two"


def test_a_registered_fragment(request_):
    @fragment("stock", max_age=5)
    def stock(request, product):
        return f"<b>{product} for {request.user.username}</b>"

    with engines_of(django_engine({"t.html": '{% fragment "stock" product=key %}'})):
        text = page(request_, "t.html", key=3)

        assert includes(text) == [Include.of("fragment", "stock", {"product": 3})]
        assert fill(request_, text) == "<b>3 for ada</b>" == plain(request_, "t.html", key=3)


def test_outside_a_pass_an_async_fragment_and_a_failed_one_render_too(request_):
    @fragment("slow")
    async def slow(request):
        return HttpResponse("<b>later</b>")

    @fragment("gone")
    def gone(request):
        return HttpResponse("not here", status=404)

    with engines_of(django_engine({"t.html": '{% fragment "slow" %}{% fragment "gone" %}'})):
        assert plain(request_, "t.html") == "<b>later</b>"


def test_an_unknown_fragment_is_named(request_):
    fragment("basket")(lambda request: "")

    with (
        engines_of(django_engine({"t.html": '{% fragment "baskt" %}'})),
        pytest.raises(UnknownFragment, match="did you mean 'basket'"),
    ):
        page(request_, "t.html")


def test_a_fragment_needs_a_request():
    fragment("basket")(lambda request: "")

    with (
        engines_of(django_engine({"t.html": '{% fragment "basket" %}'})),
        pytest.raises(TemplateSyntaxError, match="needs a request"),
    ):
        engines["django"].get_template("t.html").render({})


def test_a_nonce(request_):
    with engines_of(django_engine({"t.html": '<script nonce="{% csp_nonce %}">'})):
        text = page(request_, "t.html")

        assert [include.kind for include in includes(text)] == ["nonce"]
        assert plain(request_, "t.html") == '<script nonce="">'
        request_.csp_nonce = "abc"
        assert plain(request_, "t.html") == '<script nonce="abc">'


def test_what_a_customer_types_is_no_include(shop, request_):
    forged = page(request_, "part.html", product=1)[:-8] + "AAAAAA]]"
    text = page(request_, "page.html", title=forged, word="x")

    assert len(includes(text)) == 1
    assert forged in fill(request_, text)


def test_an_anonymous_user_differs_only_in_the_hole(shop, request_):
    nobody = visitor()
    nobody.user = AnonymousUser()

    assert page(nobody, "child.html", on=True) == page(request_, "child.html", on=True)


def test_every_option_is_documented():
    documentation = (Path(__file__).parents[2] / "docs" / "templates.md").read_text()

    assert [name for name in sorted(OPTION_NAMES) if f"`{name}`" not in documentation] == []

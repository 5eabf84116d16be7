from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page import Page, rendered, view

from fragments.esi import Limits, Parser, parse


class TestIncludes:
    def test_the_page_streams_in_order_and_fetches_at_once(self) -> None:
        page = Page("a<esi:include src='/1'/>b<esi:include src='/2'/>c")

        assert page.asked == ["/1", "/2"]
        assert page.text == "a"
        assert page.give("/2", "two").text == "a"
        assert page.give("/1", "one").text == "aonebtwoc"
        assert page.is_done

    def test_a_fragment_streams_through(self) -> None:
        page = Page("a<esi:include src='/1'/>b")

        assert page.part("/1", "x").text == "ax"
        assert page.part("/1", "y").text == "axy"
        assert page.give("/1", "z").text == "axyzb"

    def test_alt_is_asked_only_when_src_fails(self) -> None:
        page = Page("<esi:include src='/1' alt='/2'/>")

        assert page.asked == ["/1"]
        assert page.fail("/1").asked == ["/1", "/2"]
        assert page.give("/2", "alt").text == "alt"

    def test_a_failure_costs_its_own_place(self) -> None:
        page = Page("a<esi:include src='/1'/>b")

        assert page.fail("/1", "status 500").text == "ab"
        assert page.is_done
        assert [(f.url, f.reason) for f in page.evaluation.failures] == [
            ("http://shop.example/1", "status 500")
        ]

    def test_a_fragment_that_breaks_off_unseen_is_dropped(self) -> None:
        page = Page("<esi:include src='/0'/><esi:include src='/1' alt='/2'/>")
        page.part("/1", "half").fail("/1", "truncated")

        assert page.asked == ["/0", "/1", "/2"]
        assert page.give("/0", "0").give("/2", "whole").text == "0whole"

    def test_a_fragment_that_breaks_off_seen_stays_cut(self) -> None:
        page = Page("<esi:include src='/1' alt='/2'/>b").part("/1", "half").fail("/1")

        assert page.text == "halfb"
        assert page.asked == ["/1"]

    def test_durations(self) -> None:
        page = Page(
            "<esi:include src='/1' maxwait='250' ttl='10m'/><esi:include src='/2' ttl='x'/>"
        )
        first, second = page.program.block

        assert (first.maxwait, first.ttl) == (0.25, 600.0)  # type: ignore[union-attr]
        assert second.ttl is None  # type: ignore[union-attr]
        assert "ttl" in page.program.problems[0].message

    def test_reports_that_crossed_are_ignored(self) -> None:
        page = Page("<esi:include src='/1'/>").give("/1", "x")
        page.evaluation.fulfil(1, b"again")
        page.evaluation.fail(1, "late")
        page.evaluation.feed(1, b"late")

        assert page.text == "x"
        assert page.evaluation.output() == b""

    @pytest.mark.parametrize(
        "tag",
        [
            "<esi:include/>",
            "<esi:include src=''/>",
            "<esi:include src='/1' src='/2'/>",
            "<esi:include src='http://other.example/'/>",
            "<esi:include src='file:///etc/passwd'/>",
            "<esi:include src='/a\r\nb'/>",
            "<esi:include src='/_twopass/fragments'/>",
        ],
    )
    def test_what_must_not_run_does_not(self, tag: str) -> None:
        page = Page(f"a{tag}b")

        assert page.asked == []
        assert page.text == "ab"
        assert page.evaluation.failures

    def test_text_of_a_fragment_is_not_looked_at(self) -> None:
        text = "<esi:include src='/2'/>$(HTTP_HOST)<!--esi x -->$& $1"
        page = Page("<esi:vars><esi:include src='/1'/></esi:vars>")

        assert page.give("/1", text).text == text
        assert page.asked == ["/1"]

    def test_a_tag_split_over_fragments_is_no_tag(self) -> None:
        page = Page("<esi:include src='/1'/><esi:include src='/2'/>")
        page.give("/1", "<esi:inc").give("/2", "lude src='/3'/>")

        assert page.asked == ["/1", "/2"]
        assert page.text == "<esi:include src='/3'/>"


class TestNesting:
    def test_fragments_may_include(self) -> None:
        fragments = {"/1": "[<esi:include src='/2'/>]", "/2": "(<esi:include src='3'/>)", "/3": "x"}

        assert rendered("<esi:include src='/1'/>", fragments) == "[(x)]"

    def test_relative_to_the_fragment(self) -> None:
        page = Page("<esi:include src='/dir/1'/>")
        page.give("/dir/1", parse(b"<esi:include src='2'/>"))

        assert page.asked == ["/dir/1", "/dir/2"]

    @pytest.mark.parametrize("count", [1, 2])
    def test_inside_of_itself_nothing_is_fetched_twice(self, count: int) -> None:
        page = Page("<esi:include src='/1'/>")
        page.give("/1", parse(b"x<esi:include src='/1'/>" * count))

        assert page.asked == ["/1"]
        assert page.text == "x" * count

    def test_mutual_inclusion_ends(self) -> None:
        fragments = {"/1": "1<esi:include src='/2'/>", "/2": "2<esi:include src='/1'/>"}

        assert rendered("<esi:include src='/1'/>", fragments) == "12"

    def test_the_page_itself_is_an_ancestor(self) -> None:
        page = Page("a<esi:include src='/page'/>b")

        assert page.asked == []
        assert page.text == "ab"

    def test_depth_is_limited(self) -> None:
        page = Page("<esi:include src='/1'/>", limits=Limits(depth=3))
        page.play(lambda path: parse(b"%s<esi:include src='%s1'/>" % ((path.encode(),) * 2)))

        assert page.asked == ["/1", "/11", "/111"]
        assert page.text == "/1/11/111"

    def test_the_number_of_includes_is_limited(self) -> None:
        page = Page("<esi:include src='/1'/>" * 100, limits=Limits(includes=7))

        assert len(page.asked) == 7
        assert "more than 7 includes" in page.evaluation.failures[0].reason

    def test_doubling_is_limited_too(self) -> None:
        page = Page("<esi:include src='/1'/>", limits=Limits(depth=30, includes=50))
        page.play(lambda path: parse(b"<esi:include src='%s1'/><esi:include src='%s2'/>" % (
            (path.encode(),) * 2)))  # fmt: skip

        assert len(page.asked) == 50
        assert page.is_done


class TestChoose:
    PAGE = (
        "<esi:choose> dropped "
        "<esi:when test=\"$(QUERY_STRING{a})=='1'\"><esi:include src='/1'/></esi:when>"
        "<esi:when test=\"$(QUERY_STRING{b})=='1'\"><esi:include src='/2'/></esi:when>"
        "<esi:otherwise><esi:include src='/3'/></esi:otherwise></esi:choose>"
    )

    @pytest.mark.parametrize(("query", "asked"), [("a=1&b=1", "/1"), ("b=1", "/2"), ("", "/3")])
    def test_only_the_branch_taken_is_fetched(self, query: str, asked: str) -> None:
        assert Page(self.PAGE, view(target=f"/page?{query}")).asked == [asked]

    @pytest.mark.parametrize("test", ["1 ==", "'a' matches 'b'", ""])
    def test_what_cannot_be_decided_is_not_shown(self, test: str) -> None:
        page = Page(
            f'<esi:choose><esi:when test="{test}">w</esi:when>'
            "<esi:otherwise>o</esi:otherwise></esi:choose>"
        )

        assert page.text == "o"
        assert page.program.problems

    def test_without_a_true_branch_nothing_comes(self) -> None:
        assert rendered("a<esi:choose><esi:when test='0'>x</esi:when></esi:choose>b") == "ab"

    def test_otherwise_comes_last_wherever_it_stands(self) -> None:
        page = (
            "<esi:choose><esi:otherwise>o</esi:otherwise>"
            "<esi:when test='1'>w</esi:when></esi:choose>"
        )

        assert rendered(page) == "w"

    def test_conditional_text_outside_of_choose_is_not_shown(self) -> None:
        page = Page("a<esi:when test='1'>x</esi:when><esi:otherwise>y</esi:otherwise>b")

        assert page.text == "ab"
        assert len(page.program.problems) == 2


class TestTry:
    PAGE = (
        "a<esi:try><esi:attempt>[<esi:include src='/1'/><esi:include src='/2'/>]</esi:attempt>"
        "<esi:except><esi:include src='/x'/></esi:except></esi:try>b"
    )

    def test_an_attempt_is_held_until_all_of_it_came(self) -> None:
        page = Page(self.PAGE)

        assert page.give("/1", "1").text == "a"
        assert page.give("/2", "2").text == "a[12]b"
        assert page.asked == ["/1", "/2"]

    def test_one_failure_brings_the_fallback_and_cancels_the_rest(self) -> None:
        page = Page(self.PAGE).fail("/1")

        assert page.cancelled == ["/2"]
        assert page.asked == ["/1", "/2", "/x"]
        assert page.text == "a"
        assert page.give("/x", "fallback").text == "afallbackb"

    def test_a_failure_that_continues_is_none(self) -> None:
        page = Page(
            "<esi:try><esi:attempt>[<esi:include src='/1' onerror='continue'/>]</esi:attempt>"
            "<esi:except>x</esi:except></esi:try>"
        )

        assert page.fail("/1").text == "[]"

    def test_alt_is_tried_before_the_fallback(self) -> None:
        page = Page(
            "<esi:try><esi:attempt>[<esi:include src='/1' alt='/2'/>]</esi:attempt>"
            "<esi:except>x</esi:except></esi:try>"
        ).fail("/1")

        assert page.give("/2", "alt").text == "[alt]"

    def test_what_fails_at_once_fails_the_attempt(self) -> None:
        page = Page(
            "<esi:try><esi:attempt>[<esi:include src='http://other.example/'/>"
            "<esi:include src='/1'/>]</esi:attempt><esi:except>x</esi:except></esi:try>"
        )

        assert page.text == "x"
        assert page.cancelled == ["/1"] or page.asked == []

    def test_an_inner_try_spares_the_outer(self) -> None:
        page = Page(
            "<esi:try><esi:attempt>o<esi:try><esi:attempt><esi:include src='/1'/></esi:attempt>"
            "<esi:except>inner</esi:except></esi:try></esi:attempt>"
            "<esi:except>outer</esi:except></esi:try>"
        )

        assert page.fail("/1").text == "oinner"

    def test_a_failing_fallback_fails_the_outer(self) -> None:
        page = Page(
            "<esi:try><esi:attempt>o<esi:try><esi:attempt><esi:include src='/1'/></esi:attempt>"
            "<esi:except><esi:include src='/2'/></esi:except></esi:try></esi:attempt>"
            "<esi:except>outer</esi:except></esi:try>"
        )

        assert page.fail("/1").fail("/2").text == "outer"

    def test_what_fails_inside_of_a_fragment_is_the_fragments(self) -> None:
        page = Page(self.PAGE)
        page.give("/1", parse(b"(<esi:include src='/3'/>)")).give("/2", "2")

        assert page.text == "a[("
        assert page.fail("/3").text == "a[()2]b"

    def test_nested_fetches_fall_with_their_attempt(self) -> None:
        page = Page(self.PAGE)
        page.give("/1", parse(b"(<esi:include src='/3'/>)")).fail("/2")

        assert page.cancelled == ["/3"]

    def test_a_try_without_except_leaves_nothing(self) -> None:
        page = Page("a<esi:try><esi:attempt>x<esi:include src='/1'/></esi:attempt></esi:try>b")

        assert page.fail("/1").text == "ab"


class TestStrict:
    def test_a_failure_fails_the_page(self) -> None:
        page = Page("a<esi:include src='/1'/><esi:include src='/2'/>", is_strict=True).fail("/1")

        assert page.evaluation.error == "status 500"
        assert page.cancelled == ["/2"]
        assert page.is_done

    def test_unless_something_says_otherwise(self) -> None:
        page = Page("<esi:include src='/1' onerror='continue'/>x", is_strict=True).fail("/1")

        assert page.evaluation.error is None
        assert page.text == "x"

    def test_a_try_catches_failures_inside_of_fragments(self) -> None:
        page = Page(
            "<esi:try><esi:attempt><esi:include src='/1'/></esi:attempt>"
            "<esi:except>x</esi:except></esi:try>",
            is_strict=True,
        )
        page.give("/1", parse(b"<esi:include src='/2'/>")).fail("/2")

        assert page.text == "x"


class TestOtherElements:
    @pytest.mark.parametrize(
        ("document", "text"),
        [
            ("a<esi:remove>x<esi:include src='/1'/></esi:remove>b", "ab"),
            ("a<esi:remove>x", "ax"),
            ("a<esi:comment text='x'/>b", "ab"),
            ("a<esi:comment>x</esi:comment>b", "ab"),
            ("a<esi:comment text='x'>b", "ab"),
            ("a<!--esi <esi:vars>$(HTTP_HOST)</esi:vars>-->b", "a shop.exampleb"),
            ("a<esi:unknown>x</esi:unknown>b", "axb"),
            ("a</esi:vars></esi:choose></esi:include>b", "ab"),
            ("a<esi:try>x</esi:try>b", "ab"),
            ("a<esi:vars>b", "ab"),
            ("a<esi:choose><esi:when test='1'>b", "ab"),
        ],
    )
    def test_documents(self, document: str, text: str) -> None:
        page = Page(document)

        assert page.text == text
        assert page.asked == []

    def test_an_inline_is_included_without_a_fetch(self) -> None:
        page = Page(
            "<esi:inline name='/greeting' fetchable='no'><esi:vars>Hi $(HTTP_HOST)</esi:vars>"
            "</esi:inline>a<esi:include src='greeting'/>b"
        )

        assert page.text == "aHi shop.exampleb"
        assert page.asked == []

    def test_an_inline_inside_of_itself_ends(self) -> None:
        page = Page(
            "<esi:inline name='/i'>i<esi:include src='/i'/></esi:inline><esi:include src='/i'/>"
        )

        assert page.text == "i"

    def test_an_inline_never_closed_loses_nothing(self) -> None:
        assert rendered("a<esi:inline name='/i'>b") == "ab"

    def test_nesting_is_limited(self) -> None:
        deep = "<esi:vars>" * 10_000 + "x" + "</esi:vars>" * 10_000
        page = Page(f"a{deep}b")

        assert page.text == "ab"
        assert "nested deeper" in page.program.problems[0].message

    def test_nested_esi_comments_cost_nothing(self) -> None:
        assert rendered("<!--esi" * 10_000 + " x" + "-->" * 10_001) == " x-->"

    def test_problems_say_where(self) -> None:
        problem = Page("abc<esi:unknown/>").program.problems[0]

        assert problem.offset == 3
        assert "unknown" in problem.message

    def test_problems_are_limited(self) -> None:
        assert len(Page("<esi:unknown/>" * 1000).program.problems) == Limits().problems

    def test_a_program_says_what_it_depends_on(self) -> None:
        page = Page(
            "<esi:include src='/$(A)' alt='/$(B)'/><esi:vars>$(C)</esi:vars>"
            "<esi:choose><esi:when test='$(D)'><esi:try><esi:attempt/><esi:except><esi:vars>$(E)"
            "</esi:vars></esi:except></esi:try></esi:when></esi:choose>"
            "<esi:inline name='/i'><esi:vars>$(F)</esi:vars></esi:inline>"
        )

        assert page.program.variables() == set("ABCDEF")
        assert not page.program.is_static
        assert parse(b"<p>").is_static


_pieces = st.sampled_from(
    [
        "<esi:include src='/1'/>", "<esi:include src='/2' alt='/3'>", "</esi:include>", "<esi:try>",
        "<esi:attempt>", "</esi:attempt>", "<esi:except>", "</esi:except>", "</esi:try>",
        "<esi:choose>", "<esi:when test='$(HTTP_HOST)'>", "<esi:when test='('>", "</esi:when>",
        "<esi:otherwise>", "</esi:otherwise>", "</esi:choose>", "<esi:vars>", "$(HTTP_HOST)", "$(",
        "</esi:vars>", "<esi:remove>", "</esi:remove>", "<esi:comment>", "</esi:comment>",
        "<!--esi", "-->", "<esi:inline name='/2'>", "</esi:inline>", "text", "<", "é", "<![CDATA[",
        "]]>", "<esi:include src='/4' onerror='continue'/>", "<esi:x>",
    ]
)  # fmt: skip
documents = st.lists(_pieces, max_size=25).map("".join)


@given(documents, st.lists(st.integers(0, 400), max_size=10))
def test_chunks_compile_to_the_same_program(document: str, cuts: list[int]) -> None:
    raw = document.encode()
    parser = Parser()
    edges = [0, *sorted(cut % (len(raw) + 1) for cut in cuts), len(raw)]
    for start, stop in pairwise(edges):
        parser.feed(raw[start:stop])

    assert parser.close() == parse(raw)


@given(documents, st.data())
def test_every_page_ends_whatever_order_fragments_come_in(
    document: str, data: st.DataObject
) -> None:
    page = Page(document)
    open_paths = list(page.asked)
    expected = rendered(document, {"/1": "one", "/3": "three", "/4": "four"})
    while open_paths:
        path = open_paths.pop(data.draw(st.integers(0, len(open_paths) - 1)))
        before = len(page.asked)
        if page._ids[path] and page._ids[path][0] in page.evaluation._waiting:
            if path == "/2":
                page.fail(path)
            else:
                page.give(path, {"/1": "one", "/3": "three", "/4": "four"}[path])
        elif page._ids[path]:
            page._ids[path].pop(0)
        open_paths.extend(page.asked[before:])

    assert page.is_done
    assert page.text == expected

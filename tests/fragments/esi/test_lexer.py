from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragments.esi import LimitExceeded, Limits, parse
from fragments.esi.lexer import EndTag, Lexer, StartTag, Text, Token, attributes


def lex(data: bytes, cuts: list[int] | None = None, limits: Limits | None = None) -> list[Token]:
    """The tokens of the document fed in pieces, neighbouring texts joined."""
    lexer = Lexer(limits or Limits())
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts or []), len(data)]
    tokens: list[Token] = []
    for start, stop in pairwise(edges):
        tokens.extend(lexer.feed(data[start:stop]))
        tokens.extend(lexer._scan(is_last=False))  # every cut counts, not only those of batches
    tokens.extend(lexer.close())
    joined: list[Token] = []
    for token in tokens:
        if isinstance(token, Text) and joined and isinstance(joined[-1], Text):
            joined[-1] = Text(joined[-1].data + token.data)
        else:
            joined.append(token)
    return joined


def test_text_and_tags() -> None:
    assert lex(b'a<esi:include src="/x"/>b</esi:vars>c') == [
        Text(b"a"),
        StartTag("include", (("src", "/x"),), True, 1),
        Text(b"b"),
        EndTag("vars", 25),
        Text(b"c"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"<ESI:include src='/x'/>",
        b"<Esi:include src='/x'/>",
        b"<esi:Include src='/x'/>",
        b"<esi :include src='/x'/>",
        b"< esi:include src='/x'/>",
        b"<esi: include src='/x'/>",
        b"<esi:inc\x00lude src='/x'/>",
        b"<esi:include\x00 src='/x'/>",
        b"<esi:include src='/x' \x01/>",
        b"<esi:include src='/x'",
        b"<esi:include src='/x",
        b"<esi:include <p>",
        b"<esi:",
        b"<esi:>",
        b"</esi:>",
        b"<![CDATA[<esi:include src='/x'/>]]>",
        b"<![CDATA[<esi:include src='/x'/>",
        b"<!-- -->",
        b"-->",
        b"<!--esidoc -->",
        "<esi:include src='/x'/>".encode("utf-16"),
        b"+ADw-esi:include src=+ACI-/x+ACI-/+AD4-",
    ],
)
def test_what_is_not_exactly_a_tag_is_text(text: bytes) -> None:
    assert lex(text) == [Text(text)]


def test_markup_around_does_not_matter() -> None:
    for before, after in (("<!-- ", " -->"), ("<script>", "</script>"), ('<a href="', '">')):
        tokens = lex(f"{before}<esi:include src='/x'/>{after}".encode())
        assert [type(token) for token in tokens] == [Text, StartTag, Text]


def test_an_esi_comment_opens_up() -> None:
    assert lex(b"a<!--esi b<esi:vars/>-->c--><!-- d -->") == [
        Text(b"a b"),
        StartTag("vars", (), True, 10),
        Text(b"c--><!-- d -->"),
    ]


def test_after_a_cdata_section_esi_goes_on() -> None:
    assert lex(b"<![CDATA[ ]]><esi:vars>")[-1] == StartTag("vars", (), False, 13)


def test_a_byte_order_mark_is_text() -> None:
    assert lex(b"\xef\xbb\xbf<esi:vars>")[0] == Text(b"\xef\xbb\xbf")


def test_attributes_in_every_spelling() -> None:
    assert attributes(""" a="1" b='2' c=3 d e = "5" f="x>y" g='"' """) == (
        ("a", "1"), ("b", "2"), ("c", "3"), ("d", ""), ("e", "5"), ("f", "x>y"), ("g", '"'),
    )  # fmt: skip


def test_character_references() -> None:
    kept = "?x=1&copy=2&unknown;&#0;&#xd800;&#99999999;"
    text = f'a="&lt;&gt;&quot;&apos;&amp;amp;&#38;&#x26;" b="{kept}"'

    assert attributes(text) == (("a", "<>\"'&amp;&&"), ("b", kept))


def test_an_unquoted_value_ends_before_the_slash_of_the_tag() -> None:
    assert lex(b"<esi:include src=/x/>") == [StartTag("include", (("src", "/x"),), True, 0)]


def test_a_tag_has_a_limit() -> None:
    limits = Limits(tag=50)
    fits = b'<esi:include src="/' + b"a" * 20 + b'"/>'
    too_long = b'<esi:include src="/' + b"a" * 50 + b'"/>'

    assert isinstance(lex(fits, limits=limits)[0], StartTag)
    assert lex(too_long, limits=limits) == [Text(too_long)]


def test_a_document_has_a_limit() -> None:
    with pytest.raises(LimitExceeded, match="100 bytes"):
        parse(b"x" * 101, Limits(document=100))


def test_a_never_closed_tag_is_not_kept() -> None:
    lexer = Lexer(Limits(document=10**9))
    held = 0
    list(lexer.feed(b'<esi:include src="'))
    for _ in range(100):
        list(lexer.feed(b"a" * 10_000))
        held = max(held, len(lexer._buffer))

    assert held <= Limits().tag + 2 * 10_000


_alphabet = st.sampled_from(
    [b"<esi:", b"</esi:", b"<!--esi", b"-->", b"<![CDATA[", b"]]>", b"include", b"vars", b"when",
     b" src=", b'"', b"'", b">", b"/>", b"<", b"-", b"!", b" ", b"a", b"$(HTTP_HOST)", b"\x00",
     b"\xff", b"]", b"/"]
)  # fmt: skip
documents = st.lists(_alphabet, max_size=30).map(b"".join)


@given(documents, st.lists(st.integers(0, 300), max_size=12))
def test_where_chunks_are_cut_makes_no_difference(document: bytes, cuts: list[int]) -> None:
    assert lex(document, cuts) == lex(document)


@given(documents)
def test_one_byte_at_a_time(document: bytes) -> None:
    assert lex(document, list(range(len(document)))) == lex(document)


@given(documents)
def test_only_markup_goes(document: bytes) -> None:
    text = b"".join(token.data for token in lex(document) if isinstance(token, Text))
    letters = [byte for byte in document if byte in b"\x00\xff"]

    assert len(text) <= len(document)
    if not any(isinstance(token, (StartTag, EndTag)) for token in lex(document)):
        assert [byte for byte in text if byte in b"\x00\xff"] == letters

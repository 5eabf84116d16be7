from __future__ import annotations

import pytest
from heads import NOW, assessed, fields
from hypothesis import given
from hypothesis import strategies as st

from edge.core.facts import Facts
from edge.core.validation import (
    ByteRange,
    Precondition,
    RangeAnswer,
    freshen,
    head_agrees,
    identifies,
    precondition,
    select_range,
    validation_fields,
)

MODIFIED = "Mon, 13 Nov 2023 22:13:20 GMT"
EARLIER = "Mon, 13 Nov 2023 22:13:19 GMT"


def stored(text: str = f'ETag: "a"\nLast-Modified: {MODIFIED}', status: int = 200) -> Facts:
    return assessed(f"Cache-Control: max-age=60\n{text}", status=status).facts


def is_304(condition: str, facts: Facts) -> bool:
    return precondition(fields(condition), facts, NOW) is Precondition.NOT_MODIFIED


class TestPreconditions:
    @pytest.mark.parametrize(
        "condition",
        [
            'If-None-Match: "a"',
            'If-None-Match: W/"a"',
            'If-None-Match: "b", "a"',
            'If-None-Match: "b","a" , "c"',
            'If-None-Match: "b"\nIf-None-Match: "a"',
            "If-None-Match: *",
            f"If-Modified-Since: {MODIFIED}",
            "If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT",
            f'If-None-Match: "a"\nIf-Modified-Since: {EARLIER}',
            'If-None-Match: "a"\nIf-Match: "zzz"',
        ],
    )
    def test_not_modified(self, condition: str) -> None:
        assert is_304(condition, stored())

    @pytest.mark.parametrize(
        "condition",
        [
            "",
            'If-None-Match: "b"',
            'If-None-Match: "A"',
            "If-None-Match: a",
            'If-None-Match: "a',
            'If-None-Match: "b" "a"',
            "If-None-Match:",
            f"If-Modified-Since: {EARLIER}",
            "If-Modified-Since: junk",
            f"If-Modified-Since: {MODIFIED}\nIf-Modified-Since: {MODIFIED}",
            f'If-None-Match: "b"\nIf-Modified-Since: {MODIFIED}',
            f"If-None-Match: junk\nIf-Modified-Since: {MODIFIED}",
        ],
    )
    def test_sent(self, condition: str) -> None:
        assert not is_304(condition, stored())

    def test_weak_comparison_on_both_sides(self) -> None:
        assert is_304('If-None-Match: "a"', stored('ETag: W/"a"'))

    def test_only_a_stored_200_is_left_unsent(self) -> None:
        assert not is_304('If-None-Match: "a"', stored('ETag: "a"', status=404))

    def test_tags_may_hold_commas(self) -> None:
        assert is_304('If-None-Match: "x,y", "z"', stored('ETag: "x,y"'))
        assert not is_304('If-None-Match: "x,y"', stored('ETag: "y"'))

    @given(st.binary(max_size=60))
    def test_any_condition_is_decided(self, value: bytes) -> None:
        precondition([(b"if-none-match", value)], stored(), NOW)
        precondition([(b"if-modified-since", value)], stored(), NOW)


class TestValidating:
    def test_asks_with_every_variant(self) -> None:
        variants = [stored(), stored('ETag: "b"'), stored("X: y")]

        assert validation_fields(variants) == fields(
            f'If-None-Match: "a", "b"\nIf-Modified-Since: {MODIFIED}'
        )

    def test_nothing_to_ask_with(self) -> None:
        assert validation_fields([stored("ETag: unquoted\nLast-Modified: junk")]) == []

    @pytest.mark.parametrize(
        ("update", "expected"),
        [
            ('ETag: "a"', True),
            ('ETag: W/"a"', True),
            ('ETag: "b"', False),
            (f"Last-Modified: {MODIFIED}", True),
            (f"Last-Modified: {EARLIER}", False),
            ("", True),
        ],
    )
    def test_a_304_must_mean_the_stored_response(self, update: str, expected: bool) -> None:
        assert identifies(fields(update), stored()) is expected

    def test_a_strong_tag_does_not_identify_a_weak_one(self) -> None:
        assert not identifies(fields('ETag: "a"'), stored('ETag: W/"a"'))

    def test_freshening(self) -> None:
        kept = fields("Content-Length: 5\nX-A: 1\nX-A: 2\nX-B: 3\nContent-Encoding: gzip")
        update = fields(
            "Content-Length: 0\nX-A: 9\nX-C: 4\nConnection: X-D\nX-D: 5\nContent-Encoding: br\n"
            "Set-Cookie: s=1\nAge: 7"
        )

        assert freshen(kept, update) == fields(
            "Content-Length: 5\nX-B: 3\nContent-Encoding: gzip\nX-A: 9\nX-C: 4"
        )

    @pytest.mark.parametrize(
        ("head", "expected"),
        [
            ("", True),
            ('ETag: "a"\nContent-Length: 5', True),
            ('ETag: "b"', False),
            (f"Last-Modified: {EARLIER}", False),
            ("Content-Length: 6", False),
        ],
    )
    def test_head(self, head: str, expected: bool) -> None:
        assert head_agrees(fields("Content-Length: 5"), stored(), fields(head)) is expected


class TestRanges:
    HEADERS = fields("Date: Tue, 14 Nov 2023 22:13:20 GMT")

    def ask(
        self, text: str, facts: Facts | None = None, total: int = 10
    ) -> ByteRange | RangeAnswer:
        return select_range(fields(text), self.HEADERS, facts or stored(), total, NOW)

    @pytest.mark.parametrize(
        ("value", "start", "stop"),
        [
            ("bytes=0-4", 0, 5),
            ("Bytes=5-", 5, 10),
            ("bytes=-3", 7, 10),
            ("bytes=-30", 0, 10),
            ("bytes=9-99999999999999999999", 9, 10),
            ("bytes= 0-0", 0, 1),
        ],
    )
    def test_one_part(self, value: str, start: int, stop: int) -> None:
        assert self.ask(f"Range: {value}") == ByteRange(start, stop, 10)

    @pytest.mark.parametrize("value", ["bytes=10-", "bytes=-0", "bytes=99-100"])
    def test_unsatisfiable(self, value: str) -> None:
        assert self.ask(f"Range: {value}") is RangeAnswer.UNSATISFIABLE

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Range: bytes=0-1,3-4",
            "Range: bytes=4-1",
            "Range: bytes=-",
            "Range: bytes=a-b",
            "Range: lines=0-1",
            "Range: bytes=0-1\nRange: bytes=0-1",
            'Range: bytes=0-1\nIf-Range: "b"',
            'Range: bytes=0-1\nIf-Range: W/"a"',
            f"Range: bytes=0-1\nIf-Range: {EARLIER}",
            "Range: bytes=0-1\nIf-Range: junk",
        ],
    )
    def test_the_whole(self, text: str) -> None:
        assert self.ask(text) is RangeAnswer.WHOLE

    def test_if_range_that_holds(self) -> None:
        part = ByteRange(0, 2, 10)

        assert self.ask('Range: bytes=0-1\nIf-Range: "a"') == part
        assert self.ask(f"Range: bytes=0-1\nIf-Range: {MODIFIED}") == part

    def test_a_weak_tag_promises_no_bytes(self) -> None:
        facts = stored('ETag: W/"a"')

        assert self.ask('Range: bytes=0-1\nIf-Range: W/"a"', facts) is RangeAnswer.WHOLE

    def test_only_of_a_200(self) -> None:
        assert self.ask("Range: bytes=0-1", stored(status=404)) is RangeAnswer.WHOLE

    def test_an_empty_body_has_no_parts(self) -> None:
        assert self.ask("Range: bytes=0-", total=0) is RangeAnswer.UNSATISFIABLE
        assert self.ask("Range: bytes=-5", total=0) is RangeAnswer.UNSATISFIABLE

    def test_content_range(self) -> None:
        assert ByteRange(0, 5, 10).content_range == b"bytes 0-4/10"

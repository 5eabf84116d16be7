from __future__ import annotations

import pytest
from heads import NOW, fields

from edge.core.dates import format_http_date
from edge.core.freshness import (
    FreshnessRules,
    control_in_force,
    freshness_lifetime,
    initial_age,
)

RULES = FreshnessRules()


def http_date(offset: float) -> str:
    return format_http_date(NOW + offset).decode()


def lifetime(text: str, status: int = 200, rules: FreshnessRules = RULES) -> tuple[float, bool]:
    headers = fields(text)
    control = control_in_force(headers, rules)
    found = freshness_lifetime(status, headers, control, NOW, rules)
    return found.seconds, found.is_explicit


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Cache-Control: max-age=5, s-maxage=7", 7),
        ("Cache-Control: s-maxage=junk, max-age=5", 0),
        (f"Cache-Control: max-age=5\nExpires: {http_date(100)}", 5),
        (f"Cache-Control: max-age=0\nExpires: {http_date(100)}", 0),
        (f"Expires: {http_date(100)}", 100),
        (f"Expires: {http_date(100)}\nDate: {http_date(40)}", 60),
        (f"Expires: {http_date(100)}\nDate: junk", 100),
        (f"Expires: {http_date(-100)}", 0),
        (f"Expires: {http_date(100)}\nExpires: {http_date(200)}", 0),
        (f"Expires: {http_date(100)}\nExpires: {http_date(100)}", 100),
        (f"Expires: {http_date(100)}, {http_date(100)}", 0),
        ("Expires: 0", 0),
        ("Expires:", 0),
        ("Cache-Control: max-age=5\nCDN-Cache-Control: max-age=9", 9),
        ("Cache-Control: max-age=5\nCDN-Cache-Control: max-age=", 5),
        ("Cache-Control: max-age=5\nSurrogate-Control: max-age=11", 11),
        ("CDN-Cache-Control: max-age=9\nSurrogate-Control: max-age=11", 9),
        ('Cache-Control: max-age=5\nSurrogate-Control: content="ESI/1.0"', 5),
    ],
)
def test_explicit(text: str, seconds: float) -> None:
    assert lifetime(text) == (seconds, True)


def test_a_targeted_field_silences_expires() -> None:
    text = f"CDN-Cache-Control: public\nExpires: {http_date(100)}"

    assert lifetime(text) == (0, False)


class TestHeuristics:
    TEXT = f"Last-Modified: {http_date(-1000)}\nDate: {http_date(0)}\nContent-Type: image/png"

    def test_a_tenth_of_the_age_of_the_content(self) -> None:
        assert lifetime(self.TEXT) == (100, False)

    def test_at_most_the_maximum(self) -> None:
        assert lifetime(self.TEXT, rules=FreshnessRules(heuristic_maximum=7))[0] == 7

    @pytest.mark.parametrize(
        "kind", ["text/html", "Text/HTML; charset=utf-8", "application/xhtml+xml"]
    )
    def test_not_for_html_unless_asked(self, kind: str) -> None:
        html = self.TEXT.replace("image/png", kind)

        assert lifetime(html)[0] == 0
        assert lifetime(html, rules=FreshnessRules(heuristics_for_html=True))[0] == 100

    @pytest.mark.parametrize("status", [301, 404, 410, 500, 599])
    def test_not_for_errors_and_redirects(self, status: int) -> None:
        assert lifetime(self.TEXT, status)[0] == 0

    def test_public_makes_any_status_fit(self) -> None:
        assert lifetime(f"Cache-Control: public\n{self.TEXT}", 599)[0] == 100

    @pytest.mark.parametrize("modified", ["junk", http_date(50)])
    def test_nothing_without_a_past_last_modified(self, modified: str) -> None:
        assert lifetime(f"Last-Modified: {modified}\nDate: {http_date(0)}")[0] == 0


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("", 2),
        ("Age: 100", 102),
        (f"Date: {http_date(-50)}", 50),
        (f"Date: {http_date(-50)}\nAge: 10", 50),
        (f"Date: {http_date(50)}\nAge: 10", 12),
        ("Age: 100, 5", 102),
        ("Age: 100\nAge: 5", 102),
        ("Age: junk", 2),
        ("Age: -5", 2),
        ("Age: 5.5", 2),
        ("Age: 999999999999999999", 2147483650),
    ],
)
def test_initial_age(text: str, age: float) -> None:
    assert initial_age(fields(text), NOW - 2, NOW) == age


def test_pragma_alone_means_no_cache() -> None:
    assert control_in_force(fields("Pragma: no-cache"), RULES).directives.no_cache
    both = fields("Pragma: no-cache\nCache-Control: max-age=5")
    assert not control_in_force(both, RULES).directives.no_cache

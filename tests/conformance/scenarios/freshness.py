"""RFC 9111 §4.2: freshness lifetime, age, stale responses (with RFC 5861)."""

from __future__ import annotations

from tests.conformance.scenario import Scenario, asked_again, first, reused, says, scenario, step

FRESH = "Cache-Control: max-age=3600"

# Not dates by RFC 9110 §5.6.7, so already expired (RFC 9111 §5.3).
_NO_DATES = (
    ("zero", "0"),
    ("minus-one", "-1"),
    ("word", "never"),
    ("number", "86400"),
    ("empty", ""),
    ("iso", "2038-01-01T00:00:00Z"),
    ("no-zone", "Fri, 01 Jan 2038 00:00:00"),
    ("other-zone", "Fri, 01 Jan 2038 00:00:00 CET"),
    ("offset", "Fri, 01 Jan 2038 00:00:00 +0000"),
    ("one-digit-day", "Fri, 1 Jan 2038 00:00:00 GMT"),
    ("no-time", "Fri, 01 Jan 2038 GMT"),
    ("quoted", '"Fri, 01 Jan 2038 00:00:00 GMT"'),
    ("hour-25", "Fri, 01 Jan 2038 25:00:00 GMT"),
)
_STALE_SOON = "Cache-Control: max-age=1{more}"

SCENARIOS: list[Scenario] = [
    # Precedence
    asked_again("s-maxage-over-max-age", "required", "9111 §5.2.2.10",
                "s-maxage=0 overrules max-age", "Cache-Control: max-age=3600, s-maxage=0"),
    reused("s-maxage-over-max-age-fresh", "optional", "9111 §5.2.2.10",
           "s-maxage overrules max-age=0", "Cache-Control: max-age=0, s-maxage=3600"),
    asked_again("s-maxage-over-expires", "required", "9111 §5.2.2.10",
                "s-maxage=0 overrules Expires", "Cache-Control: s-maxage=0\nExpires: {+3600}"),
    reused("s-maxage-over-expires-past", "optional", "9111 §5.2.2.10",
           "s-maxage overrules a past Expires", "Cache-Control: s-maxage=3600\nExpires: {-3600}"),
    asked_again("max-age-over-expires", "required", "9111 §5.3",
                "max-age=0 overrules Expires", "Cache-Control: max-age=0\nExpires: {+3600}"),
    reused("max-age-over-expires-past", "optional", "9111 §5.3",
           "max-age overrules a past Expires", "Cache-Control: max-age=3600\nExpires: {-3600}"),
    reused("max-age-over-expires-invalid", "optional", "9111 §5.3",
           "max-age overrules an Expires that is no date",
           "Cache-Control: max-age=3600\nExpires: 0"),
    # Expires
    asked_again("expires-past", "required", "9111 §5.3", "A past Expires is stale",
                "Expires: {-3600}"),
    asked_again("expires-now", "required", "9111 §4.2.1", "Expires equal to Date is stale",
                "Expires: {+0}\nDate: {+0}"),
    reused("expires-rfc850", "optional", "9110 §5.6.7", "Expires in the RFC 850 form is read",
           "Expires: {+3600:rfc850}"),
    reused("expires-asctime", "optional", "9110 §5.6.7", "Expires in the asctime form is read",
           "Expires: {+3600:asctime}"),
    reused("expires-far", "optional", "9111 §5.3", "Expires in a thousand years is no error",
           "Expires: Fri, 31 Dec 3000 23:59:59 GMT"),
    reused("expires-twice-equal", "check", "9111 §4.2.1", "Expires twice, equal, is read",
           "Expires: {+3600}\nExpires: {+3600}"),
    asked_again("expires-twice-different", "check", "9111 §4.2.1",
                "Expires twice, different, is stale", "Expires: {+3600}\nExpires: {-3600}"),
    asked_again("expires-before-date", "required", "9111 §4.2.1",
                "Expires before a Date in the future is stale", "Expires: {+60}\nDate: {+120}"),
    *(
        asked_again(f"expires-invalid-{name}", "required", "9111 §5.3",
                    f"Expires: {value or '(empty)'} is stale", f"Expires: {value}")
        for name, value in _NO_DATES
    ),
    asked_again("expires-rfc850-past", "required", "9110 §5.6.7",
                "A two-digit year more than fifty years ahead is the past",
                "Expires: Wednesday, 09-Nov-94 08:49:37 GMT"),
    # max-age forms
    asked_again("max-age-zero", "required", "9111 §5.2.2.1", "max-age=0 is stale",
                "Cache-Control: max-age=0"),
    asked_again("max-age-case", "required", "9111 §5.2", "MAX-AGE=0 is max-age=0",
                "Cache-Control: MAX-AGE=0\nExpires: {+3600}"),
    reused("max-age-case-fresh", "optional", "9111 §5.2", "Max-Age=3600 is max-age=3600",
           "Cache-Control: Max-Age=3600"),
    reused("max-age-quoted", "optional", "9111 §5.2", "max-age in quotes is read",
           'Cache-Control: max-age="3600"'),
    reused("max-age-zeros", "optional", "9111 §1.2.2", "Leading zeros do no harm",
           "Cache-Control: max-age=0003600"),
    reused("max-age-2-31", "optional", "9111 §1.2.2", "max-age=2147483648 is long",
           "Cache-Control: max-age=2147483648"),
    reused("max-age-huge", "optional", "9111 §1.2.2", "A max-age that overflows is long",
           "Cache-Control: max-age=99999999999999999999"),
    *(
        asked_again(f"max-age-invalid-{name}", "optional", "9111 §4.2.1",
                    f"max-age{value} is stale", f"Cache-Control: max-age{value}")
        for name, value in (
            ("missing", ""), ("empty", "="), ("word", "=forever"), ("negative", "=-1"),
            ("decimal", "=3600.5"), ("unit", "=3600s"), ("single-quoted", "='3600'"),
            ("space-before", " =3600"), ("space-after", "= 3600"),
        )
    ),
    asked_again("max-age-twice-first-zero", "check", "9111 §4.2.1",
                "max-age=0, max-age=3600 is stale", "Cache-Control: max-age=0, max-age=3600"),
    asked_again("max-age-twice-last-zero", "check", "9111 §4.2.1",
                "max-age=3600, max-age=0 is stale", "Cache-Control: max-age=3600, max-age=0"),
    reused("max-age-twice-equal", "optional", "9111 §4.2.1", "max-age twice, equal, is read",
           "Cache-Control: max-age=3600, max-age=3600"),
    asked_again("s-maxage-invalid", "check", "9111 §4.2.1",
                "A malformed s-maxage beside max-age is stale",
                "Cache-Control: s-maxage=x, max-age=3600"),
    asked_again("max-age-in-quotes-of-other", "required", "9111 §5.2",
                "max-age inside another directive's quotes does not count",
                'Cache-Control: frob="max-age=3600", max-age=0'),
    # Age
    scenario("age-sent", "required", "9111 §4", "A reused answer carries Age",
             first(FRESH), step(asked=False, source=1, age=(0, 5))),
    scenario("age-grows", "required", "9111 §4.2.3", "Age grows with time",
             first(FRESH), step(asked=False, age=(2, 8), pause=2.2)),
    scenario("age-adds-up", "required", "9111 §4.2.3", "Age starts from the origin's",
             first(f"{FRESH}\nAge: 100"), step(asked=False, age=(100, 110))),
    scenario("age-date", "required", "9111 §4.2.3", "Age starts from Date where that is more",
             first(f"{FRESH}\nDate: {{-200}}"), step(asked=False, age=(199, 215))),
    scenario("age-first-kept", "check", "9111 §5.1", "The origin's Age reaches the first client",
             step(answer=says(f"{FRESH}\nAge: 100"), source=1, age=(100, 105))),
    asked_again("age-uses-up", "required", "9111 §4.2", "Age as long as max-age is stale",
                "Cache-Control: max-age=3600\nAge: 3600"),
    asked_again("age-uses-up-s-maxage", "required", "9111 §4.2", "Age as long as s-maxage is stale",
                "Cache-Control: s-maxage=3600\nAge: 7200"),
    asked_again("age-uses-up-expires", "required", "9111 §4.2", "Age as long as Expires is stale",
                "Expires: {+3600}\nAge: 7200"),
    asked_again("age-huge", "required", "9111 §1.2.2", "An Age that overflows is stale",
                "Cache-Control: max-age=3600\nAge: 99999999999999999999"),
    asked_again("age-date-uses-up", "required", "9111 §4.2.3",
                "A Date older than max-age is stale", "Cache-Control: max-age=3600\nDate: {-7200}"),
    asked_again("age-list", "optional", "9111 §5.1", "The first of several Ages counts",
                "Cache-Control: max-age=3600\nAge: 7200, 0"),
    asked_again("age-lines", "optional", "9111 §5.1", "The first of several Age lines counts",
                "Cache-Control: max-age=3600\nAge: 7200\nAge: 0"),
    *(
        reused(f"age-invalid-{name}", "optional", "9111 §5.1", f"Age: {value} is ignored",
               f"{FRESH}\nAge: {value}")
        for name, value in (("word", "old"), ("negative", "-7200"), ("decimal", "7200.5"))
    ),
    reused("date-future", "optional", "9111 §4.2.3", "A Date in the future makes no age",
           f"{FRESH}\nDate: {{+100}}"),
    reused("date-invalid", "optional", "9110 §6.6.1", "A Date that is none does no harm",
           f"{FRESH}\nDate: yesterday"),
    asked_again("age-delay", "check", "9111 §4.2.3", "Time on the way counts",
                "Cache-Control: max-age=1", delay=1.6),
    # Heuristics
    reused("heuristic-old", "check", "9111 §4.2.2", "Something old is reused without being told",
           "Last-Modified: {-1000000}"),
    asked_again("heuristic-html", "check", "9111 §4.2.2", "HTML is not, however old",
                "Last-Modified: {-1000000}\nContent-Type: text/html"),
    asked_again("heuristic-none", "check", "9111 §4.2.2", "What says nothing is not reused", ""),
    asked_again("heuristic-explicit", "required", "9111 §4.2.2",
                "Explicit freshness shuts out heuristics",
                "Cache-Control: max-age=0\nLast-Modified: {-1000000}"),
    asked_again("heuristic-explicit-expires", "required", "9111 §4.2.2",
                "So does Expires", "Expires: {-1}\nLast-Modified: {-1000000}"),
    # Stale
    asked_again("stale-asks", "required", "9111 §4.2.4", "What became stale is asked for",
                _STALE_SOON.format(more=""), pause=2.4),
    *(
        scenario(f"stale-{name}-unreachable", "required", "9111 §4.2.4",
                 f"{title} is not served stale when the origin is gone",
                 first(f"{headers}", **{}),
                 step(answer=says(disconnects=True), not_source=1, pause=2.4))
        for name, title, headers in (
            ("must-revalidate", "must-revalidate", "Cache-Control: max-age=1, must-revalidate"),
            ("proxy-revalidate", "proxy-revalidate", "Cache-Control: max-age=1, proxy-revalidate"),
            ("s-maxage", "s-maxage", "Cache-Control: s-maxage=1"),
            ("no-cache", "no-cache", 'Cache-Control: no-cache, max-age=1\nETag: "a"'),
        )
    ),
    scenario("stale-must-revalidate-status", "required", "9111 §5.2.2.2",
             "must-revalidate with the origin gone gives 504 (or another error)",
             first("Cache-Control: max-age=1, must-revalidate"),
             step(answer=says(disconnects=True), statuses=(502, 503, 504), pause=2.4)),
    *(
        scenario(f"stale-{name}-503", "check", "9111 §4.2.4",
                 f"{title}: a 503 of the origin is passed on",
                 first(headers), step(answer=says("", 503), status=503, source=2, pause=2.4))
        for name, title, headers in (
            ("must-revalidate", "must-revalidate", "Cache-Control: max-age=1, must-revalidate"),
            ("plain", "Nothing said", "Cache-Control: max-age=1"),
        )
    ),
    scenario("stale-unreachable", "check", "9111 §4.2.4",
             "A stale answer stands in for an origin that is gone",
             first("Cache-Control: max-age=1"),
             step(answer=says(disconnects=True), source=1, pause=2.4)),
    # RFC 5861
    *(
        scenario(f"sie-{name}", "optional", "5861 §4", f"stale-if-error covers {title}",
                 first("Cache-Control: max-age=1, stale-if-error=60"),
                 step(answer=answer, source=1, status=200, pause=2.4))
        for name, title, answer in (
            ("500", "a 500", says("", 500)),
            ("502", "a 502", says("", 502)),
            ("503", "a 503", says("", 503)),
            ("504", "a 504", says("", 504)),
            ("gone", "an origin that is gone", says(disconnects=True)),
        )
    ),
    scenario("sie-over", "check", "5861 §4", "stale-if-error ends",
             first("Cache-Control: max-age=1, stale-if-error=1"),
             step(answer=says("", 503), not_source=1, pause=3.4)),
    scenario("sie-404", "required", "5861 §4", "A 404 is no error that stale may hide",
             first("Cache-Control: max-age=1, stale-if-error=60"),
             step(answer=says("", 404), status=404, source=2, pause=2.4)),
    scenario("swr-serves", "optional", "5861 §3", "stale-while-revalidate serves at once",
             first("Cache-Control: max-age=1, stale-while-revalidate=60"),
             step(answer=says(FRESH, delay=0.05), source=1, pause=2.4)),
    scenario("swr-refreshes", "optional", "5861 §3", "And refreshes behind",
             first("Cache-Control: max-age=1, stale-while-revalidate=60"),
             step(answer=says(FRESH), source=1, asked=True, pause=2.4),
             step(source=2, asked=False, pause=1.5)),
    scenario("swr-over", "required", "5861 §3", "stale-while-revalidate ends",
             first("Cache-Control: max-age=1, stale-while-revalidate=1"),
             step(answer=says(FRESH), source=2, asked=True, pause=3.6)),
    scenario("swr-must-revalidate", "required", "9111 §5.2.2.2",
             "must-revalidate overrules stale-while-revalidate",
             first("Cache-Control: max-age=1, stale-while-revalidate=60, must-revalidate"),
             step(answer=says(FRESH), source=2, asked=True, pause=2.4)),
    # Requests about freshness: advisory (§5.2.1), and not a visitor's to force
    *(
        scenario(f"request-{name}", "check", "9111 §5.2.1",
                 f"A visitor's {header} forces no miss",
                 first(FRESH), step(send=header, asked=False, source=1))
        for name, header in (
            ("no-cache", "Cache-Control: no-cache"),
            ("max-age-0", "Cache-Control: max-age=0"),
            ("no-store", "Cache-Control: no-store"),
            ("min-fresh", "Cache-Control: min-fresh=9999"),
            ("pragma", "Pragma: no-cache"),
        )
    ),
    scenario("request-max-stale", "check", "9111 §5.2.1.2", "max-stale gets a stale answer",
             first("Cache-Control: max-age=1"),
             step(send="Cache-Control: max-stale=60", source=1, pause=2.4)),
    scenario("request-only-if-cached-miss", "optional", "9111 §5.2.1.7",
             "only-if-cached without a stored answer gets 504",
             step(send="Cache-Control: only-if-cached", answer=says(FRESH), status=504,
                  asked=False)),
    scenario("request-only-if-cached-hit", "optional", "9111 §5.2.1.7",
             "only-if-cached with one gets it",
             first(FRESH), step(send="Cache-Control: only-if-cached", asked=False, source=1)),
    asked_again("pragma-response", "check", "9111 §5.4", "Pragma: no-cache in an answer counts",
                "Pragma: no-cache\nExpires: {+3600}"),
    reused("pragma-response-max-age", "check", "9111 §5.4",
           "Pragma: no-cache beside max-age does not", f"Pragma: no-cache\n{FRESH}"),
]  # fmt: skip

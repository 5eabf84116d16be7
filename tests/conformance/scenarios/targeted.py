"""RFC 9213 (targeted cache control), Surrogate-Control, RFC 9211 (Cache-Status), collapsing."""

from __future__ import annotations

from tests.conformance.scenario import Scenario, asked_again, first, reused, says, scenario, step

FRESH = "Cache-Control: max-age=3600"
_CDN = "CDN-Cache-Control"

_REUSED = (
    ("over-no-store", "It overrules no-store", "Cache-Control: no-store", "max-age=3600"),
    ("over-private", "It overrules private", "Cache-Control: private", "max-age=3600"),
    ("over-max-age", "It overrules max-age=0", "Cache-Control: max-age=0", "max-age=3600"),
    ("over-expires", "It overrules a past Expires", "Expires: {-3600}", "max-age=3600"),
    ("alone", "It is enough alone", "X: y", "max-age=3600"),
    ("parameter", "Parameters are ignored", "Cache-Control: no-store", "max-age=3600;frob=1"),
    (
        "unknown",
        "Unknown directives are ignored",
        "Cache-Control: no-store",
        "max-age=3600, frob=1",
    ),
    ("last", "The last of equal keys counts", "Cache-Control: no-store", "max-age=0, max-age=3600"),
    ("false", "no-store=?0 says no", "Cache-Control: no-store", "max-age=3600, no-store=?0"),
    ("empty", "Empty is as if not there", FRESH, ""),
    ("invalid", "What does not parse is as if not there", FRESH, "max-age=, no-store"),
    ("invalid-case", "Upper-case keys do not parse", FRESH, "Max-Age=0"),
    ("invalid-comma", "A trailing comma does not parse", FRESH, "no-store,"),
)
_ASKED = (
    ("no-store", "no-store in it counts", FRESH, "no-store"),
    ("no-cache", "no-cache in it counts", FRESH, "no-cache"),
    ("private", "private in it counts", FRESH, "private, max-age=3600"),
    ("max-age-0", "max-age=0 in it overrules max-age", FRESH, "max-age=0"),
    ("expires", "It silences Expires", "Expires: {+3600}", "max-age=0"),
    ("s-maxage", "s-maxage in it overrules max-age in it", FRESH, "max-age=3600, s-maxage=0"),
    ("string", "A max-age that is a String is not trusted", FRESH, 'max-age="3600"'),
    ("decimal", "Nor one that is a Decimal", FRESH, "max-age=3600.5"),
    ("negative", "Nor a negative one", FRESH, "max-age=-1"),
)

SCENARIOS: list[Scenario] = [
    *(
        reused(f"cdn-{name}", "optional", "9213 §2", title, f"{headers}\n{_CDN}: {value}")
        for name, title, headers, value in _REUSED
    ),
    *(
        asked_again(f"cdn-{name}", "optional", "9213 §2", title, f"{headers}\n{_CDN}: {value}")
        for name, title, headers, value in _ASKED
    ),
    reused("surrogate-max-age", "optional", "Edge Architecture", "Surrogate-Control is obeyed",
           "Cache-Control: no-store\nSurrogate-Control: max-age=3600"),
    asked_again("surrogate-no-store", "optional", "Edge Architecture",
                "Surrogate-Control: no-store counts", f"{FRESH}\nSurrogate-Control: no-store"),
    reused("surrogate-extension", "optional", "Edge Architecture", "max-age=n+m is read",
           "Cache-Control: no-store\nSurrogate-Control: max-age=3600+60"),
    reused("surrogate-other", "optional", "Edge Architecture",
           "What is meant for another surrogate does not count",
           f"{FRESH}\nSurrogate-Control: no-store;frobnicator"),
    scenario("surrogate-not-passed", "optional", "Edge Architecture",
             "Surrogate-Control ends at the last surrogate",
             step(answer=says(f"{FRESH}\nSurrogate-Control: max-age=3600"), source=1,
                  headers={"Surrogate-Control": None})),
    # Cache-Status
    scenario("status-hit", "optional", "9211 §2.1", "A hit says so",
             first(FRESH), step(asked=False, headers={"Cache-Status": "~; ?hit"})),
    scenario("status-hit-ttl", "optional", "9211 §2.4", "And how long it is still fresh",
             first(FRESH), step(asked=False, headers={"Cache-Status": "~; ?ttl=3(600|59\\d)"})),
    scenario("status-miss", "optional", "9211 §2.2", "A miss says why it went on",
             step(answer=says(FRESH), headers={"Cache-Status": "~; ?fwd=(uri-)?miss"})),
    scenario("status-miss-stored", "optional", "9211 §2.5", "And whether it was stored",
             step(answer=says(FRESH), headers={"Cache-Status": "~; ?stored"})),
    scenario("status-not-stored", "optional", "9211 §2.5", "Or not",
             step(answer=says("Cache-Control: no-store"),
                  headers={"Cache-Status": "~^(?!.*stored(;|,|$|=\\?1)).*fwd="})),
    scenario("status-vary", "optional", "9211 §2.2", "A miss by Vary says so",
             first(f"{FRESH}\nVary: Foo", send="Foo: 1"),
             step(send="Foo: 2", asked=True, headers={"Cache-Status": "~; ?fwd=vary-miss"})),
    scenario("status-stale", "optional", "9211 §2.2", "A stale answer that is asked for says so",
             first('Cache-Control: max-age=1\nETag: "a"'),
             step(asked=True, pause=2.4, headers={"Cache-Status": "~; ?fwd=stale"},
                  answer=says(f'{FRESH}\nETag: "a"', not_modified=f'{FRESH}\nETag: "a"'))),
    scenario("status-stale-code", "optional", "9211 §2.3", "And what the origin said",
             first('Cache-Control: max-age=1\nETag: "a"'),
             step(asked=True, pause=2.4, headers={"Cache-Status": "~; ?fwd-status=304"},
                  answer=says(f'{FRESH}\nETag: "a"', not_modified=f'{FRESH}\nETag: "a"'))),
    scenario("status-method", "optional", "9211 §2.2", "A method that is never stored says so",
             step("POST", answer=says(), asked=True,
                  headers={"Cache-Status": "~; ?fwd=(method|bypass)"})),
    scenario("status-appended", "optional", "9211 §2", "The origin's own member comes first",
             step(answer=says(f"{FRESH}\nCache-Status: inner; hit"), source=1,
                  headers={"Cache-Status": "~^inner; ?hit, *.+fwd="})),
    scenario("status-appended-hit", "optional", "9211 §2", "Also on a hit",
             first(f"{FRESH}\nCache-Status: inner; fwd=miss"),
             step(asked=False, headers={"Cache-Status": "~; ?hit"})),
    # Collapsing
    scenario("collapse-cold", "optional", "9111 §4", "Ten requests for a new page ask once",
             step(answer=says(FRESH, delay=0.4), parallel=10, most_asked=1, source=1)),
    scenario("collapse-stale", "optional", "9111 §4", "Ten requests for a stale page ask once",
             first("Cache-Control: max-age=1"),
             step(answer=says(FRESH, delay=0.4), parallel=10, most_asked=1, source=2, pause=2.4)),
    scenario("collapse-private", "required", "9111 §5.2.2.7",
             "Requests that waited do not get an answer that turns out private",
             step(answer=says("Cache-Control: private\nX-For: {base}", delay=0.3), parallel=3,
                  asked=True, source=1, is_setup=True),
             step(asked=True, source=2)),
    # Plain proxying
    *(
        scenario(f"pass-{method.lower()}", "required", "9110 §9.1", f"{method} passes, with body",
                 step(method, payload="a=b", answer=says(), asked=True, source=1, received="a=b"))
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "FROBNICATE")
    ),
    *(
        scenario(f"pass-status-{status}", "required", "9110 §15", f"Status {status} passes",
                 step(answer=says("", status), asked=True, status=status, source=1))
        for status in (201, 299, 402, 418, 499, 599)
    ),
    scenario("pass-field-order", "required", "9110 §5.3", "Lines of one field keep their order",
             step(answer=says("X-Frob: 1\nX-Frob: 2\nX-Frob: 3"), headers={"X-Frob": "1, 2, 3"})),
    scenario("pass-set-cookie-lines", "required", "9110 §5.3", "Set-Cookie lines are not joined",
             step(answer=says("Set-Cookie: a=b\nSet-Cookie: c=d"),
                  headers={"Set-Cookie": "a=b, c=d"})),
    scenario("pass-request-lines", "required", "9110 §5.3", "A request's lines keep their order",
             step(send="X-Frob: 1\nX-Frob: 2", answer=says(), request={"X-Frob": "1, 2"})),
    scenario("pass-head", "required", "9110 §9.3.2", "HEAD gets no body and the length of GET's",
             step("HEAD", answer=says(f"{FRESH}\nContent-Length: 10"), asked=True, body="",
                  headers={"Content-Length": "10"})),
    scenario("pass-target", "required", "9110 §7.1", "The target arrives as it was sent",
             step(path="/%7Ea//b/../c;d=e?f=%2F&g", answer=says(), asked=True, source=1)),
]  # fmt: skip

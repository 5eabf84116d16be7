"""RFC 9111 §3: what may be stored, and which fields are."""

from __future__ import annotations

from tests.conformance.scenario import Scenario, asked_again, first, reused, says, scenario, step

FRESH = "Cache-Control: max-age=3600"

_METHODS = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "FROBNICATE")

SCENARIOS: list[Scenario] = [
    # No prohibition, explicit freshness
    reused("store-max-age", "optional", "9111 §3", "A response with max-age is reused", FRESH),
    reused("store-s-maxage", "optional", "9111 §3", "A response with s-maxage is reused",
           "Cache-Control: s-maxage=3600"),
    reused("store-expires", "optional", "9111 §3", "A response with Expires is reused",
           "Expires: {+3600}"),
    reused("store-query", "optional", "9111 §4", "A response to a URL with a query is reused",
           FRESH),
    reused("store-cookie-request", "check", "9111 §3",
           "A response to a request with Cookie is reused", FRESH, send="Cookie: a=b"),
    reused("store-unknown-directive", "optional", "9111 §5.2.3",
           "An unknown directive does not keep a response from being reused",
           "Cache-Control: max-age=3600, frobnicate"),
    reused("store-unknown-directive-argument", "optional", "9111 §5.2.3",
           "Nor does one with an argument", "Cache-Control: frob=nicate, max-age=3600"),
    reused("store-unknown-directive-quoted", "optional", "9111 §5.2",
           "A directive's name inside a quoted string is no directive",
           'Cache-Control: frob="a, no-store, b", max-age=3600'),
    reused("store-empty-members", "optional", "9110 §5.6.1", "Empty list members are ignored",
           "Cache-Control: ,, max-age=3600 ,,"),
    reused("store-second-line", "optional", "9110 §5.3", "A directive on a second line counts",
           "Cache-Control: public\nCache-Control: max-age=3600"),
    # no-store
    *(
        asked_again(f"no-store-{name}", "required", "9111 §5.2.2.5",
                    f"{title} is not reused", headers)
        for name, title, headers in (
            ("alone", "no-store", "Cache-Control: no-store"),
            ("after", "max-age and no-store", "Cache-Control: max-age=3600, no-store"),
            ("before", "no-store and max-age", "Cache-Control: no-store, max-age=3600"),
            ("line", "no-store on a second line",
             "Cache-Control: max-age=3600\nCache-Control: no-store"),
            ("case", "No-Store in another case", "Cache-Control: max-age=3600, No-STORE"),
            ("tabs", "no-store between tabs", "Cache-Control: max-age=3600,\tno-store\t"),
            ("crowded", "no-store without blanks", "Cache-Control: max-age=3600,no-store"),
            ("quoted-before", "no-store after a quoted string",
             'Cache-Control: frob="a, b", max-age=3600, no-store'),
            ("expires", "no-store beside Expires", "Cache-Control: no-store\nExpires: {+3600}"),
        )
    ),
    asked_again("no-store-unclosed-quote", "check", "9111 §5.2.2.5",
                "no-store after a quote that is never closed counts",
                'Cache-Control: max-age=3600, frob="a, no-store'),
    asked_again("no-store-argument", "check", "9111 §5.2.2.5",
                "no-store with an argument counts", "Cache-Control: max-age=3600, no-store=x"),
    # private
    *(
        asked_again(f"private-{name}", "required", "9111 §5.2.2.7",
                    f"{title} is not reused by a shared cache", headers)
        for name, title, headers in (
            ("alone", "private", "Cache-Control: private, max-age=3600"),
            ("case", "Private in another case", "Cache-Control: max-age=3600, PRIVATE"),
            ("line", "private on a second line",
             "Cache-Control: max-age=3600\nCache-Control: private"),
            ("s-maxage", "private beside s-maxage", "Cache-Control: s-maxage=3600, private"),
        )
    ),
    scenario("private-field", "required", "9111 §5.2.2.7",
             "A field named by private= is not given to a second client",
             first('Cache-Control: max-age=3600, private="X-Mine"\nX-Mine: {base}',
                   headers={"X-Mine": "{base}"}),
             step(answer=says('Cache-Control: max-age=3600, private="X-Mine"'),
                  headers={"X-Mine": None})),
    reused("private-field-rest", "optional", "9111 §5.2.2.7",
           "The rest of a response with private= is reused",
           'Cache-Control: max-age=3600, private="X-Mine"\nX-Mine: 1'),
    # no-cache
    *(
        asked_again(f"no-cache-{name}", "required", "9111 §5.2.2.4",
                    f"{title} is not reused without asking", headers)
        for name, title, headers in (
            ("alone", "no-cache", "Cache-Control: no-cache"),
            ("max-age", "no-cache beside max-age", "Cache-Control: no-cache, max-age=3600"),
            ("case", "No-Cache in another case", "Cache-Control: max-age=3600, No-Cache"),
            ("line", "no-cache on a second line",
             "Cache-Control: max-age=3600\nCache-Control: no-cache"),
            ("expires", "no-cache beside Expires", "Cache-Control: no-cache\nExpires: {+3600}"),
            ("etag", "no-cache beside a validator", 'Cache-Control: no-cache\nETag: "a"'),
        )
    ),
    scenario("no-cache-field", "required", "9111 §5.2.2.4",
             "A field named by no-cache= is not given out without asking",
             first('Cache-Control: max-age=3600, no-cache="X-Mine"\nX-Mine: {base}'),
             step(answer=says('Cache-Control: max-age=3600, no-cache="X-Mine"'),
                  headers={"X-Mine": None})),
    # must-understand
    reused("must-understand-known", "optional", "9111 §5.2.2.3",
           "must-understand lifts no-store for a known status",
           "Cache-Control: max-age=3600, no-store, must-understand"),
    asked_again("must-understand-unknown", "required", "9111 §3",
                "must-understand keeps an unknown status out",
                "Cache-Control: max-age=3600, must-understand", status=299),
    # Authorization
    asked_again("authorization-plain", "required", "9111 §3.5",
                "The answer to Authorization is not shared", FRESH,
                send="Authorization: Basic YTpi", second="Authorization: Basic YzpkCg=="),
    asked_again("authorization-other", "required", "9111 §3.5",
                "Nor given to a request without Authorization", FRESH,
                send="Authorization: Basic YTpi", second=""),
    *(
        reused(f"authorization-{name}", "optional", "9111 §3.5",
               f"{directive} lets the answer to Authorization be shared",
               f"Cache-Control: {directive}", send="Authorization: Basic YTpi")
        for name, directive in (
            ("public", "public, max-age=3600"),
            ("s-maxage", "s-maxage=3600"),
            ("must-revalidate", "max-age=3600, must-revalidate"),
        )
    ),
    # Status codes
    *(
        reused(f"status-{status}", "optional", "9111 §3",
               f"A {status} with explicit freshness is reused", FRESH, status=status)
        for status in (200, 203, 204, 299, 301, 302, 303, 307, 308, 404, 410, 451, 500, 503, 599)
    ),
    *(
        asked_again(f"status-{status}-heuristic", "required", "9111 §4.2.2",
                    f"A {status} without explicit freshness gets no heuristic one",
                    "Last-Modified: {-1000000}", status=status)
        for status in (201, 302, 303, 307, 403, 500, 502, 503, 599)
    ),
    *(
        asked_again(f"status-{status}-forbidden", "required", "6585",
                    f"A {status} is never stored", FRESH, status=status)
        for status in (428, 429, 431, 511)
    ),
    *(
        asked_again(f"status-{status}-poison", "check", "9111 §3",
                    f"A {status}, which blames one request, is not given to others",
                    FRESH, status=status)
        for status in (400, 413, 414, 501)
    ),
    scenario("status-206-not-whole", "required", "9111 §3.3",
             "A part is not given out as the whole",
             step(send="Range: bytes=0-3", asked=True, status=206, body="0123",
                  answer=says(FRESH, body="0123456789", part=("0123", "bytes 0-3/10"))),
             step(status=200, body="0123456789")),
    scenario("status-304-unasked", "required", "9111 §4.3.3",
             "A 304 to a client's own condition is not stored as the page",
             step(send='If-None-Match: "a"', status=304, asked=True,
                  answer=says(f'{FRESH}\nETag: "a"', not_modified=f'{FRESH}\nETag: "a"')),
             step(status=200, sources=(1, 2))),
    scenario("interim-not-stored", "required", "9110 §15.2",
             "An interim answer is not stored as the page",
             first(FRESH, interim=(103, (("Link", "</a.css>; rel=preload"),))),
             step(status=200, sources=(1, 2))),
    scenario("interim-passed", "check", "8297", "103 Early Hints reaches the client",
             step(answer=says(FRESH, interim=(103, (("Link", "</a.css>; rel=preload"),))),
                  source=1, interim=103)),
    # Methods
    *(
        scenario(f"method-{method.lower()}-not-stored", "required", "9111 §3",
                 f"The answer to {method} is not reused for another {method}",
                 step(method, answer=says(FRESH), asked=True, source=1),
                 step(method, asked=True, source=2))
        for method in _METHODS
    ),
    scenario("method-post-not-for-get", "check", "9111 §3",
             "The answer to POST is not given to GET",
             step("POST", answer=says(FRESH), asked=True, source=1),
             step(asked=True, source=2)),
    scenario("method-head-not-for-get", "required", "9111 §3",
             "The answer to HEAD is not given to GET",
             step("HEAD", answer=says(FRESH), asked=True),
             step(status=200, sources=(1, 2))),
    scenario("method-get-for-head", "optional", "9110 §9.3.2",
             "A stored GET answers HEAD, without its body",
             first(FRESH), step("HEAD", asked=False, body="", status=200)),
    scenario("method-get-not-for-options", "required", "9111 §4",
             "A stored GET does not answer OPTIONS",
             first(FRESH), step("OPTIONS", asked=True)),
    # Incomplete messages
    scenario("incomplete-length", "required", "9111 §3.3",
             "An answer cut before its Content-Length is not reused",
             step(answer=says(FRESH, breaks=True), asked=True),
             step(answer=says(FRESH), asked=True, source=2)),
    scenario("incomplete-chunked", "required", "9111 §3.3",
             "An answer cut before its last chunk is not reused",
             step(answer=says(FRESH, breaks=True, is_chunked=True), asked=True),
             step(answer=says(FRESH), asked=True, source=2)),
    reused("chunked-stored", "optional", "9111 §3", "A chunked answer is reused", FRESH,
           is_chunked=True),
    # Set-Cookie
    asked_again("set-cookie-stored", "check", "9111 §7.3",
                "An answer that sets a cookie is not shared", f"{FRESH}\nSet-Cookie: a=b"),
    # Fields
    scenario("fields-unknown", "required", "9111 §3.1",
             "Fields nobody knows are stored and come again",
             first(f"{FRESH}\nX-Frob: {{base}}"), step(asked=False, headers={"X-Frob": "{base}"})),
    scenario("fields-lines", "required", "9110 §5.3",
             "Several lines of a field come again, in order",
             first(f"{FRESH}\nX-Frob: a\nX-Frob: b"),
             step(asked=False, headers={"X-Frob": "a, b"})),
    scenario("fields-stored-date", "optional", "9111 §3.1",
             "The Date of a reused answer is the origin's",
             first(f"{FRESH}\nDate: {{-30}}"), step(asked=False, headers={"Date": "~GMT$"},
                                                   age=(29, 60))),
    *(
        scenario(f"fields-hop-{name.lower()}", "optional", "9110 §7.6.1",
                 f"{name} of the origin ends at the proxy",
                 step(answer=says(f"{FRESH}\n{name}: frob=1"), source=1, headers={name: None}))
        for name in ("Proxy-Connection", "Keep-Alive")
    ),
    scenario("fields-connection-listed", "required", "9110 §7.6.1",
             "What Connection names in an answer ends at the proxy",
             step(answer=says(f"{FRESH}\nConnection: X-Hop\nX-Hop: 1"), source=1,
                  headers={"X-Hop": None})),
    scenario("fields-connection-stored", "required", "9111 §3.1",
             "What Connection names is not stored",
             first(f"{FRESH}\nConnection: X-Hop\nX-Hop: 1"),
             step(asked=False, headers={"X-Hop": None})),
    scenario("fields-connection-request", "required", "9110 §7.6.1",
             "What Connection names in a request ends at the proxy",
             step(send="Connection: X-Hop\nX-Hop: 1", answer=says(FRESH), asked=True,
                  request={"X-Hop": None})),
    *(
        scenario(f"fields-request-{name.lower()}", "optional", "9110 §7.6.1",
                 f"{name} of a client ends at the proxy",
                 step(send=f"{name}: {value}", answer=says(FRESH), asked=True,
                      request={name: None}))
        for name, value in (
            ("Proxy-Connection", "keep-alive"), ("Keep-Alive", "timeout=5"), ("TE", "trailers"),
            ("Proxy-Authorization", "Basic YTpi"),
        )
    ),
    scenario("fields-via", "required", "9110 §7.6.3", "A request carries the proxy's Via",
             step(answer=says(FRESH), asked=True, request={"Via": "~1\\.[01] "})),
    scenario("fields-via-kept", "required", "9110 §7.6.3", "Via of those before is kept",
             step(send="Via: 1.1 before", answer=says(FRESH), asked=True,
                  request={"Via": "~^1.1 before, "})),
    scenario("trailers", "check", "9110 §6.5.1", "An answer with trailers arrives whole",
             step(answer=says(FRESH, trailers="X-Trail: 1"), source=1)),
    scenario("date-added", "required", "9110 §6.6.1", "An answer without Date gets one",
             step(answer=says(FRESH, has_date=False), source=1, headers={"Date": "~GMT$"})),
    # Keys
    scenario("key-query", "required", "9111 §4", "Another query is another page",
             first(FRESH), step(path="?a", asked=True, source=2)),
    scenario("key-case", "required", "9111 §4", "Another case of the path is another page",
             step(path="/A", answer=says(FRESH), source=1), step(path="/a", asked=True, source=2)),
    scenario("key-slash", "required", "9111 §4", "Two slashes are not one",
             step(path="/a/b", answer=says(FRESH), source=1),
             step(path="/a//b", asked=True, source=2)),
    scenario("key-encoded-slash", "required", "9111 §4", "%2F is not /",
             step(path="/a/b", answer=says(FRESH), source=1),
             step(path="/a%2Fb", asked=True, source=2)),
    scenario("key-empty-query", "check", "9111 §4", "An empty query is not none",
             step(path="/a", answer=says(FRESH), source=1), step(path="/a?", asked=True, source=2)),
    scenario("key-query-order", "required", "9111 §4", "The order of parameters counts",
             step(path="?a=1&b=2", answer=says(FRESH), source=1),
             step(path="?b=2&a=1", asked=True, source=2)),
]  # fmt: skip

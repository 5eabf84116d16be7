"""A small shop of every kind of page, and requests of every kind to it."""

from __future__ import annotations

import random
from dataclasses import replace

from bench import Bench
from lines import request

from fragments.bundle import Reads
from fragments.csrf import CSRF
from fragments.dimensions import CONTEXT_COOKIE, Dimension, open_context, seal_context
from fragments.shell import NONCE, Shell
from origin import KEYRING, MANIFEST, Answer, Frame, ScriptedOrigin, Seen, hole, shell

CURRENCY = Dimension("currency", "cookie", "currency", ("EUR", "USD"), "EUR")
LANGUAGE = Dimension("language", "language", "lang", ("en", "de"), "en")
DEVICE = Dimension(
    "device", "header", "User-Agent", ("desktop", "phone"), "desktop", (), (("Mobile", "phone"),)
)
BUCKET = Dimension("ab", "bucket", "ab", ("a", "b"), "a", (1, 1))
GROUP = Dimension("group", "context", "group", ("all", "trade"), "all")
DIMENSIONS = (CURRENCY, LANGUAGE, DEVICE, BUCKET, GROUP)
TRADE = seal_context(KEYRING, "ann", {"group": "trade"})
"""The context cookie of one visitor, worth nothing beside another's session."""

BASKET = hole("basket", when_cookies=("basket",))
HELLO = hole("hello")
NEWS = hole("news", scope="public", dimensions=("language",))
SEEN = hole("seen", cookies=("seen",))
FORM = hole("form")
BRIEF = hole("brief")
NOTHING = hole("nothing")
THEME = hole("theme", scope="public")
LIVE = hole("live", scope="no-store")

FILLER = b"<li>An item among others</li>" * 20
"""So much that a page is worth compressing."""


def build(origin: ScriptedOrigin) -> None:
    """Fill the shop."""
    origin.manifest = replace(MANIFEST, dimensions=DIMENSIONS)
    origin.routes("^/whole", "^/home", "^/form", "^/all", "^/live", "^/gate", "^/nonce")
    origin.routes("^/priced", dimensions=("currency", "language"), query=("page",))
    origin.routes("^/adaptive", dimensions=("device",))
    origin.routes("^/trade", dimensions=("group",))
    origin.routes("^/brief", "^/many", "^/theme", "^/long")
    origin.routes("^/tested", dimensions=("ab",))
    origin.pages |= {
        "/whole": shell(b"<h1>whole</h1>" + FILLER, headers=[("cache-control", "max-age=60")]),
        "/home": shell(b"<p>", HELLO, b"</p>", BASKET, b"<hr>"),
        "/form": shell(b"<form>", CSRF, FILLER, CSRF, b"</form>"),
        "/all": shell(
            b"a" + FILLER, HELLO, b"b", NEWS, b"c", SEEN, b"d", FORM, b"e", BASKET, CSRF, HELLO
        ),
        "/live": shell(b"<p>" + FILLER, LIVE, b"</p>"),
        "/gate": shell(b"secret", gate=True),
        "/nonce": Shell(
            status=200,
            headers=(
                ("content-type", (b"text/html",)),
                ("content-security-policy", (b"script-src 'nonce-", NONCE, b"'")),
            ),
            body=(FILLER, b"<script nonce=", NONCE, b">", HELLO, b"</script>"),
            max_age=60,
        ),
        "/priced": _priced,
        "/adaptive": _adaptive,
        "/tested": _tested,
        "/trade": _trade,
        "/brief": shell(b"<p>", BRIEF, b"</p>", NOTHING, CSRF, max_age=3),
        "/many": shell(*(part for _ in range(40) for part in (b"<i>", CSRF, b"", FILLER)), NOTHING),
        "/theme": shell(FILLER, THEME, FILLER),
        "/long": shell(b"0123456789abcdef" * 5000, HELLO, CSRF, b"x" * 70_000),
        "/missing": shell(b"gone", status=404),
        "/style.css": Answer(
            200, [("cache-control", "max-age=60"), ("etag", '"v1"'),
                  ("last-modified", "Fri, 15 Jan 2027 07:00:00 GMT")], b"css" * 50),
        "/varied": lambda seen: Answer(
            200, [("cache-control", "max-age=60"), ("vary", "Accept-Language, Cookie")],
            f"{seen['accept-language']} {seen['cookie']}".encode()),
        "/coded": lambda seen: Answer(
            200, [("cache-control", "max-age=60"), ("vary", "Accept-Encoding")],
            f"{seen['accept-encoding']}".encode()),
        "/plain": Answer(200, [("content-type", "text/plain")], b"never stored"),
        "/moved": Answer(301, [("location", "/whole"), ("cache-control", "max-age=60")]),
        "/nothing": Answer(204, [("cache-control", "max-age=60")]),
        "/esi": Answer(200, [("surrogate-control", 'content="ESI/1.0", max-age=60')],
                       b'<esi:include src="/style.css"/>'),
    }  # fmt: skip
    origin.fragments |= {
        "basket": lambda seen: f"basket {seen.cookies.get('basket')}".encode(),
        "hello": lambda seen: f"hello {seen.cookies.get('sessionid', 'stranger')}".encode(),
        "news": lambda seen: Frame(
            0, 200, (f"news {seen['accept-language']}".encode(),), scope="public", max_age=60.0
        ),
        "seen": lambda seen: f"seen {seen.cookies.get('seen')}".encode(),
        "form": lambda seen: Frame(0, 200, (b"<form>", CSRF, b"</form>"), max_age=60.0),
        "live": b"live",
        "brief": lambda seen: Frame(0, 200, (b"brief",), max_age=2.0),
        "nothing": Frame(0, 200, (), max_age=60.0),
        "theme": lambda seen: Frame(
            0,
            200,
            (f"theme {seen.cookies.get('theme')}".encode(),),
            max_age=60.0,
            scope="public",
            reads=Reads(cookies=("theme",), headers=("dnt",), url=True),
        ),
    }


def _priced(seen: Seen) -> Shell:
    # a probe brings the visitor's own words, a first pass the reduced values
    currency = CURRENCY.reduce(seen.cookies, {}, {}) or ""
    language = LANGUAGE.reduce(seen.cookies, {"accept-language": seen["accept-language"] or ""}, {})
    values = (("currency", currency), ("language", language or ""))
    return shell(f"10 {currency}".encode(), NEWS, dimensions=(CURRENCY, LANGUAGE),
                 query=("page",), values=values)  # fmt: skip


def _trade(seen: Seen) -> Shell:
    context = open_context(KEYRING, seen.cookies.get("sessionid", ""),
                           seen.cookies.get(CONTEXT_COOKIE, ""))  # fmt: skip
    group = GROUP.reduce({}, {}, context) or ""
    return shell(f"for {group}".encode(), dimensions=(GROUP,), values=(("group", group),))


def _tested(seen: Seen) -> Shell:
    bucket = seen.cookies.get("ab", "a")
    return shell(bucket.encode(), dimensions=(BUCKET,), values=(("ab", bucket),))


def _adaptive(seen: Seen) -> Shell:
    phone = "Mobile" in (seen["user-agent"] or "")
    value = "phone" if phone else "desktop"
    return shell(value.encode(), dimensions=(DEVICE,), values=(("device", value),))


TARGETS = (
    *["/whole", "/home", "/form", "/all", "/style.css", "/varied", "/coded", "/adaptive"] * 3,
    "/whole?utm_source=x", "/whole?a=1", "/whole?", "/live", "/gate", "/nonce", "/nonce",
    "/trade", "/trade", "/brief", "/brief", "/many", "/theme", "/theme?x=1", "/long", "/coded",
    "/priced", "/priced?page=2&x=1", "/style.css?gclid=1", "/style.css?", "/./whole", "/whole/../x",
    "/whole%3Fa", "/HOME", "/whole?a=1&utm_x=2", "/home;v=1", "//shop.test/whole", "/whole?a?b",
    "http://user:word@shop.test/whole", "http://SHOP.test:80/whole", "/whole%00",
    "/priced?x=1&page=2", "/tested", "/missing", "/plain",
    "/moved", "/nothing", "/esi", "/none", "//whole", "/%77hole", "/whole#a", "/wh\xf6le",
    "/_twopass/fragments", "/%5Ftwopass/x", "http://other.test/whole", "http://shop.test/home", "*",
)  # fmt: skip
COOKIES = (
    "", "", "sessionid=ann", "sessionid=bob", "sessionid=ann; basket=3", "basket=3", "basket=4",
    "sessionid=bob; seen=7; csrftoken=" + "b" * 32, "csrftoken=" + "a" * 32,
    "csrftoken=" + "a" * 31, "sessionid=ann; csrftoken=" + "c" * 64, "currency=USD", "currency=X",
    "lang=de; ab=b", "ab=a; sessionid=ann", "preview=1", "sessionid=", "seen=1; basket=2",
    "sessionid=ann; twopass_epoch=" + "e" * 22, "twopass_epoch=" + "f" * 22,
    "sessionid=ann; sessionid=bob", f"sessionid=ann; {CONTEXT_COOKIE}={TRADE}",
    f"sessionid=bob; {CONTEXT_COOKIE}={TRADE}", f"{CONTEXT_COOKIE}={TRADE}", "currency=\"USD\"",
    'currency="U\\123D"', "currency=USD; currency=EUR", "currency=US\xc4", "lang=DE", "lang=de ",
    "; ;=;sessionid=ann", "=ann", "sessionid", 'sessionid="ann"', "theme=dark",
    "theme=light; seen=",
    "sessionid=ann; theme=dark", "csrftoken=" + "d" * 64 + "; sessionid=bob", "x=" + "y" * 9000,
    "; ".join(f"c{n}=1" for n in range(250)) + "; sessionid=ann",
)  # fmt: skip
FIELDS = (
    "Accept-Language: de", "Accept-Language: en;q=0.5, de", "User-Agent: Mobile Safari",
    "User-Agent: Firefox", "Accept-Encoding: gzip, br", "Accept-Encoding: identity",
    "HX-Request: true", "Authorization: Basic eDp5", "Connection: keep-alive",
    "Connection: close", "Connection: keep-alive, cookie", "Range: bytes=0-3",
    'If-Range: "v1"', "X-Forwarded-Proto: https", "X-Forwarded-Host: other.test",
    "X-Forwarded-For: 203.0.113.9", "Forwarded: proto=https;host=other.test", "Expect: nothing",
    "Cache-Control: no-cache", "Cache-Control: only-if-cached", "Pragma: no-cache",
    "TwoPass-Proof: x", "Surrogate-Capability: x", "X_Cookie: y", "Content-Length: 0",
    "If-Modified-Since: Fri, 15 Jan 2027 07:00:00 GMT", "If-None-Match: *", 'If-None-Match: "v1"',
    "If-None-Match: nonsense", "Upgrade: h2c", "TE: trailers", "Via: 1.1 x",
    'If-None-Match: "x", W/"v1"', "If-None-Match:", 'If-None-Match: "v1" "v1"',
    "If-None-Match: *, *",
    "If-Modified-Since: yesterday", "If-Modified-Since: Friday, 15-Jan-27 07:00:00 GMT",
    "If-Modified-Since: Sat, 16 Jan 2027 07:00:00 GMT", 'If-Match: "other"', "Range: bytes=9-",
    "Range: bytes=-0", "Range: bytes=0-1,3-4", "Accept-Encoding: gzip;q=0", "Accept-Encoding: *",
    "Accept-Encoding: GZIP ; q=0.001", "Accept-Encoding: x-gzip, gzip;q=0", "Accept-Encoding:",
    "Accept-Encoding: gzip;q=0.000, br", "Accept-Encoding: gzip;q=.5",
    "Accept-Encoding: deflate,gzip", "Accept-Encoding: br, zstd;q=0.9", "Accept-Encoding: gzip, br",
    "Accept-Language: de-AT, en;q=0.9", "Accept-Language: *", "Accept-Language: de;q=0, en",
    "Accept-Language: \xff", "Cookie: sessionid=eve", "Cookie: seen=8", "DNT: 1", "dnt: 0",
    "Connection: Keep-Alive", "Connection: accept-language", "Connection:", "Host: other.test",
    "Cookie2: x", "X-Forwarded-Proto: https, http", "X-Forwarded-Host: shop.test", "Cookie_: x",
    "Content-Type: text/plain", "Transfer-Encoding: identity", "Expect: 100-continue",
    "Keep-Alive: 5", "Proxy-Connection: close", "X-HTTP-Method-Override: POST", "Trailer: Cookie",
    "Forwarded: host=shop.test", "Range: lines=1-2", "If-Range: x", "Accept: text/html",
    "Sec-Purpose: prefetch",
)  # fmt: skip
HOSTS = (
    *["shop.test"] * 16, "shop.test.", "shop.test:080", "shop.test:81", "u@shop.test", "[::1]",
    "shop.test:x", "SHOP.test", "shop.test:80", "other.test", "evil.test", "", "a b",
)  # fmt: skip
METHODS = (*["GET"] * 9, "HEAD", "HEAD", "POST", "OPTIONS", "BREW")


def mild_request(chance: random.Random, tags: list[str]) -> bytes:
    """What browsers send."""
    fields = [field for field in FIELDS[:5] if chance.random() < 0.2]
    if chance.random() < 0.5:
        fields.append("Accept-Encoding: gzip")
    if cookie := chance.choice(COOKIES):
        fields.insert(chance.randrange(len(fields) + 1), f"Cookie: {cookie}")
    if tags and chance.random() < 0.2:
        fields.append(f"If-None-Match: {chance.choice(tags)}")
    return request(chance.choice(TARGETS), *fields, method=chance.choice(METHODS[:10]))


def any_request(chance: random.Random, tags: list[str]) -> bytes:
    """A request of any kind; `tags` are entity tags that were seen."""
    if chance.random() < 0.8:
        return mild_request(chance, tags)
    fields = [chance.choice(FIELDS) for _ in range(chance.choice((0, 0, 0, 1, 1, 2, 4)))]
    if cookie := chance.choice(COOKIES):
        fields.insert(chance.randrange(len(fields) + 1), f"Cookie: {cookie}")
    if tags and chance.random() < 0.3:
        fields.append(f"If-None-Match: {chance.choice(tags)}")
    method = chance.choice(METHODS)
    if method == "POST" and not any(line.startswith("Content-Length") for line in fields):
        fields.append("Content-Length: 0")
    made = request(chance.choice(TARGETS), *fields, method=method, host=chance.choice(HOSTS))
    return made.replace(b" HTTP/1.1", b" HTTP/1.0", 1) if chance.random() < 0.03 else made


async def something_happens(chance: random.Random, bench: Bench, origin: ScriptedOrigin) -> None:
    """Time, a purge, or the origin's mind."""
    bench.clock.tick(chance.choice((0, 0, 0, 0.5, 1, 1, 2, 29, 61)))
    match chance.randrange(11):
        case 0:
            bench.purge(urls=("http://shop.test/all",))
        case 1:
            bench.purge(everything=True, soft=chance.random() < 0.5)
        case 2:
            bench.edge.memory.expire(bench.clock())
        case 3:
            origin.fragments["hello"] = f"hi {chance.random()}".encode()
        case 4:
            bench.purge(groups=("uri:http://shop.test/style.css",), soft=chance.random() < 0.5)
        case 5:
            assert origin.manifest is not None
            varying = () if origin.manifest.varying_headers else ("HX-Request",)
            origin.manifest = replace(origin.manifest, varying_headers=varying)
            await bench.edge.manifest.fetch()
        case 6:
            origin.pages["/whole"] = shell(f"<h1>{chance.random()}</h1>".encode() + FILLER)

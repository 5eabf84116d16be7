"""A visitor of the storefront who checks that every byte on a page is theirs."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Self

import httpx

from fragments.csrf import unmask

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([A-Za-z0-9]+)"')
GREETING = re.compile(r"Hello, ([^<]+)</span>")
BADGE = re.compile(r'<span class="badge-count">(\d+)</span>')
MESSAGE = re.compile(r'<p class="message [^"]*">([^<]*)</p>')
PRICE = re.compile(r'<span class="price-list">([^<]+)</span>')
PASSWORD = "a-lamp-by-the-river-9"


@dataclass
class Seen:
    """What a page shows of its visitor."""

    response: httpx.Response
    greeting: str | None
    pieces: int
    messages: list[str]
    secrets: set[str | None]

    @classmethod
    def of(cls, response: httpx.Response) -> Self:
        text = response.text
        greeting, badge = GREETING.search(text), BADGE.search(text)
        return cls(
            response,
            html.unescape(greeting[1]) if greeting else None,
            int(badge[1]) if badge else 0,
            [html.unescape(found) for found in MESSAGE.findall(text)],
            {unmask(token) for token in TOKEN.findall(text)},
        )

    @property
    def status(self) -> str:
        return self.response.headers.get("cache-status", "")


@dataclass
class Shopper:
    """A browser with one cookie jar; `name` is unique, so that it can be looked for anywhere."""

    base: str
    name: str = ""
    pieces: int = 0
    signed_in: bool = False
    client: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.Client(base_url=self.base, timeout=30, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    @property
    def email(self) -> str:
        return f"{self.name.lower()}@example.com"

    def get(self, path: str, **options: object) -> Seen:
        return Seen.of(self.client.get(path, **options))  # type: ignore[arg-type]

    def see(self, path: str) -> Seen:
        """GET a page that must be whole and wholly ours. Raises AssertionError."""
        seen = self.get(path)
        assert seen.response.status_code == 200, f"{path}: {seen.response.status_code}"
        assert seen.response.text.rstrip().endswith("</html>"), f"{path} is cut"
        self.check(seen)
        return seen

    def check(self, seen: Seen) -> None:
        """Greeting, basket and tokens are this visitor's."""
        expected = self.name if self.signed_in else None
        assert seen.greeting == expected, f"{self.name} was greeted as {seen.greeting}"
        assert seen.pieces == self.pieces, f"{self.name} has {self.pieces}, saw {seen.pieces}"
        if seen.secrets:
            cookie = self.client.cookies.get("csrftoken") or ""
            assert seen.secrets == {unmask(cookie)}, "a token that is not ours"

    def submit(self, page: str, path: str, **form: str) -> httpx.Response:
        """Send a form with the token that stands on `page`."""
        token = TOKEN.search(self.client.get(page).text)
        assert token, f"no token on {page}"
        data = {**form, "csrfmiddlewaretoken": token[1]}
        return self.client.post(path, data=data, headers={"Referer": self.base + page})

    def sign_up(self) -> None:
        form = {"first_name": self.name, "last_name": "Tester", "email": self.email}
        form |= {"password1": PASSWORD, "password2": PASSWORD}
        answer = self.submit("/en/account/sign-up/", "/en/account/sign-up/", **form)
        assert answer.status_code == 302, answer.text
        self.signed_in = True

    def log_in(self, email: str = "", password: str = PASSWORD) -> None:
        form = {"username": email or self.email, "password": password}
        answer = self.submit("/en/account/login/", "/en/account/login/", **form)
        assert answer.status_code == 302, answer.text
        self.signed_in = True

    def log_out(self) -> None:
        answer = self.submit("/en/account/", "/en/account/logout/")
        assert answer.status_code == 302
        self.signed_in, self.pieces = False, 0

    def add(self, page: str, product: int) -> None:
        """Press the button on a listing or product page."""
        answer = self.submit(page, "/en/basket/add/", product=str(product), quantity="1", next=page)
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"] == page
        self.pieces += 1


def products_on(page: str) -> list[int]:
    """The products that can be put into the basket from a page."""
    return [int(pk) for pk in re.findall(r'name="product" value="(\d+)"', page)]


def links_on(page: str, kind: str) -> list[str]:
    """Links to products (`p`) or categories (`c`), each once, in order."""
    return list(dict.fromkeys(re.findall(rf'href="(/en/{kind}/[a-z0-9/-]+/)"', page)))

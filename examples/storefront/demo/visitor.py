"""A visitor of the shop: a browser's cookies, forms and redirects, without the browser."""

from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import httpx

from ..seed.people import Person
from .pages import form_to

LISTING = "/en/c/tableware/mugs/"
BASKET_ADD = "/en/basket/add/"
LOGIN = "/en/account/login/"


class Visitor:
    """Goes through the shop by GET links and POST forms."""

    def __init__(self, shop: str) -> None:
        self.client = httpx.Client(base_url=shop, follow_redirects=True, timeout=30)

    def get(self, path: str) -> httpx.Response:
        """A page. Raises httpx.HTTPStatusError unless it is there."""
        return self.client.get(path).raise_for_status()

    def send(self, page: httpx.Response, action: str, **changes: str) -> httpx.Response:
        """Fill in the page's form for ``action`` and send it; the page it leads to."""
        fields = form_to(page.text, action).fields | changes
        url = urljoin(str(page.url), action)
        headers = {"Referer": str(page.url)}
        return self.client.post(url, data=fields, headers=headers).raise_for_status()

    def add_to_basket(self, page: httpx.Response) -> httpx.Response:
        """Send the page's first add-to-basket form."""
        return self.send(page, BASKET_ADD)

    def log_in(self, person: Person) -> httpx.Response:
        """Log in by the form in the header of a cached page; that page again."""
        page = self.get(LISTING)
        return self.send(page, LOGIN, username=person.email, password=person.password)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.client.close()

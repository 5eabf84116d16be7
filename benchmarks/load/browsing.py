"""A visitor who carries out a planned visit in the storefront."""

from __future__ import annotations

import re
from typing import Final

from ..shop.customers import PASSWORD, PRODUCT, TOKEN, Customer
from .client import Page, Visitor
from .visits import Action, Step, Visit

_TOTAL: Final = re.compile(rb'name="shown_total" value="([0-9.]+)"')
_ADDRESS: Final = {"street": "Kiln Lane 4", "postcode": "20095", "city": "Hamburg", "country": "DE"}
BASKET: Final = "/en/basket/"
CHECK_OUT: Final = "/en/orders/checkout/"


class Failed(Exception):
    """A page that did not come, or not as it should."""


class Leaked(RuntimeError):
    """A page that greets somebody else: the run is worth nothing."""


class Browser:
    """Cookies and connection of one visit.

    Every method raises Failed, Leaked, OSError and TimeoutError.
    """

    def __init__(self, base: str, visit: Visit, customer: Customer | None) -> None:
        self._visitor = Visitor(base)
        self._customer = customer
        self._name = ""
        self._last = Page()
        self._path = ""
        # who has been here before, with a token: ESI drops the cookies of included responses
        self._visitor.cookies |= {
            "consent": "all" if visit.agrees else "essential",
            "csrftoken": f"{visit.number:032d}",
        }
        logs_in = any(step.action is Action.LOG_IN for step in visit.steps)
        if customer is not None and not logs_in:
            self._visitor.cookies = {**self._visitor.cookies, **customer.cookies}
            self._visitor.cookies["consent"] = "all" if visit.agrees else "essential"
            self._name = customer.name

    async def take(self, step: Step) -> None:
        """Get the page of a step, redirects included."""
        if step.action in (Action.LOOK, Action.PRODUCT):
            await self._get(step.path)
        elif step.action is Action.BASKET:
            await self._get(BASKET)
        elif step.action is Action.ADD:
            await self._add()
        elif step.action is Action.LOG_IN:
            await self._log_in(step.path)
        else:
            await self._check_out()

    async def after(self, step: Step) -> None:
        """What the page's script sends once it is there: that a product was seen."""
        product = PRODUCT.search(self._last.body)
        if step.action is Action.PRODUCT and product is not None:
            await self._visitor.post(f"/seen/{product[1].decode()}/", {}, self._path)

    async def close(self) -> None:
        """Leave."""
        await self._visitor.close()

    async def _get(self, path: str) -> None:
        page = await self._visitor.get(path)
        if page.status != 200:
            raise Failed(f"{path} answered {page.status}")
        self._last, self._path = page, path
        greeted = b"Hello, " in page.body
        if self._name and f"Hello, {self._name}<".encode() not in page.body:
            raise (
                Leaked(f"{path} does not greet {self._name}")
                if greeted
                else Failed(f"{path} does not greet its visitor")
            )
        if not self._name and greeted:
            raise Leaked(f"{path} greets a visitor who has not said who they are")

    async def _send(self, path: str, form: dict[str, str]) -> None:
        """Post a form of the last page and go where the answer leads."""
        token = TOKEN.search(self._last.body)
        if token is None:
            raise Failed(f"{self._path} holds no token")
        form["csrfmiddlewaretoken"] = token[1].decode()
        answer = await self._visitor.post(path, form, self._path)
        if answer.status != 302:
            raise Failed(f"{path} answered {answer.status} to a form")
        if path.endswith("/login/") and self._customer is not None:
            self._name = self._customer.name
        await self._get(answer.header("location").partition("#")[0])

    async def _add(self) -> None:
        product = PRODUCT.search(self._last.body)
        if product is None:
            raise Failed(f"{self._path} has nothing to put into a basket")
        form = {"product": product[1].decode(), "quantity": "1", "next": self._path}
        await self._send("/en/basket/add/", form)

    async def _log_in(self, path: str) -> None:
        assert self._customer is not None
        form = {"username": self._customer.email, "password": PASSWORD, "next": path}
        await self._send("/en/account/login/", form)

    async def _check_out(self) -> None:
        page = await self._visitor.get(CHECK_OUT)
        if page.status == 302:  # sold out meanwhile, or ordered by the same customer elsewhere
            await self._get(BASKET)
            return
        total = _TOTAL.search(page.body)
        if page.status != 200 or total is None or self._customer is None:
            raise Failed(f"{CHECK_OUT} answered {page.status} without a form")
        self._last, self._path = page, CHECK_OUT
        form = {"name": self._customer.name, "shown_total": total[1].decode(), **_ADDRESS}
        await self._send(CHECK_OUT, form)

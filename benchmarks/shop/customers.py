"""Customers of the storefront: signed up over HTTP, known by their cookies from then on."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..load.client import Visitor

TOKEN: Final = re.compile(rb'name="csrfmiddlewaretoken" value="([A-Za-z0-9]{64})"')
PRODUCT: Final = re.compile(rb'name="product" value="(\d+)"')
PASSWORD: Final = "quince-and-ochre-41"
SHOWN: Final = {"consent": "essential", "ab_banner": "a"}
"""Who has answered the cookie banner, and which teaser they see: as after a first visit."""

_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody with an account, a session and something in the basket."""

    name: str
    email: str
    cookies: Mapping[str, str]


def sign_up(base: str, count: int) -> tuple[Customer, ...]:
    """Let `count` customers open accounts at `base`. Raises RuntimeError when the shop refuses."""
    return asyncio.run(_sign_up(base, count))


async def _sign_up(base: str, count: int) -> tuple[Customer, ...]:
    doors = asyncio.Semaphore(_AT_ONCE)

    async def one(number: int) -> Customer:
        async with doors:
            return await _open_account(Visitor(base), number)

    return tuple(await asyncio.gather(*map(one, range(count))))


async def _open_account(visitor: Visitor, number: int) -> Customer:
    visitor.cookies |= SHOWN
    name, email = f"Visitor{number:04d}", f"visitor{number}@shop.example"
    form = {"first_name": name, "last_name": "Benchmark", "email": email}
    form |= {"password1": PASSWORD, "password2": PASSWORD}
    await submit(visitor, "/en/account/sign-up/", form)
    if "sessionid" not in visitor.cookies:
        raise RuntimeError(f"{email} signed up and got no session")
    page = await visitor.get("/en/search/?q=mug")
    found = PRODUCT.findall(page.body)
    if not found:
        raise RuntimeError("the search for mugs shows no product to put into a basket")
    form = {"product": found[number % len(found)].decode(), "quantity": "1"}
    await submit(visitor, "/en/basket/add/", form, token_from=page.body)
    await visitor.get("/en/")  # greeted, and told what went into the basket: no messages are left
    await visitor.close()
    return Customer(name, email, dict(visitor.cookies))


async def submit(
    visitor: Visitor, path: str, form: Mapping[str, str], token_from: bytes | None = None
) -> None:
    """Post a form with the token of the page it stood on. Raises RuntimeError when refused."""
    body = (await visitor.get(path)).body if token_from is None else token_from
    token = TOKEN.search(body)
    if token is None:
        raise RuntimeError(f"no token for a form to {path}")
    answer = await visitor.post(path, {**form, "csrfmiddlewaretoken": token[1].decode()})
    if answer.status != 302:
        raise RuntimeError(f"{path} answered {answer.status} to a form")

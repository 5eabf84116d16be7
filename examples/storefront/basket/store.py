"""Where baskets are kept: a signed cookie for visitors, the database for customers."""

from typing import Protocol

from django.core import signing
from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from ..accounts.models import Customer
from .cached import baskets
from .contents import Contents, changed, decode, encode
from .models import BasketLine

COOKIE = "basket"
COOKIE_AGE = 90 * 24 * 3600
_signer = signing.Signer(salt="storefront.basket")


class BasketStore(Protocol):
    """A visitor's basket."""

    def contents(self) -> Contents:
        """Quantities by product id, in the order they were put in."""
        ...

    def stored(self) -> Contents:
        """The same, for who is about to change it."""
        ...

    def put(self, product_id: int, quantity: int) -> None:
        """Set a quantity; 0 takes the product out. Raises ValueError when the basket is full."""
        ...


class CookieBasket:
    """A basket that travels with the visitor. The middleware writes what was changed."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def contents(self) -> Contents:
        """What the cookie holds; nothing when it was forged or damaged."""
        pending = getattr(self.request, "pending_basket", None)
        return read_cookie(self.request) if pending is None else pending

    def stored(self) -> Contents:
        """The same."""
        return self.contents()

    def put(self, product_id: int, quantity: int) -> None:
        """Note the change for the response."""
        now = changed(self.contents(), product_id, quantity)
        self.request.pending_basket = now  # type: ignore[attr-defined]


class AccountBasket:
    """A basket in the database."""

    def __init__(self, customer: Customer) -> None:
        self.customer = customer

    def contents(self) -> Contents:
        """What is stored, from the data caches."""
        return dict(baskets.get(self.customer.pk) or ())

    def stored(self) -> Contents:
        """What the database says, for who is about to change it."""
        return dict(self.customer.basket_lines.values_list("product_id", "quantity"))

    def put(self, product_id: int, quantity: int) -> None:
        """Store the change."""
        with transaction.atomic():
            now = changed(self.stored(), product_id, quantity)
            if product_id not in now:
                self.customer.basket_lines.filter(product_id=product_id).delete()
                return
            BasketLine.objects.update_or_create(
                customer=self.customer,
                product_id=product_id,
                defaults={"quantity": now[product_id]},
            )


def basket_of(request: HttpRequest) -> BasketStore:
    """The visitor's basket."""
    if request.user.is_authenticated:
        return AccountBasket(request.user)
    return CookieBasket(request)


def read_cookie(request: HttpRequest) -> dict[int, int]:
    """What the visitor's cookie holds; nothing when there is none or it is not ours."""
    try:
        return decode(_signer.unsign(request.COOKIES.get(COOKIE, "")))
    except (signing.BadSignature, ValueError):
        return {}


def write_cookie(response: HttpResponseBase, contents: Contents, *, secure: bool) -> None:
    """Put the contents into the answer; an empty basket needs no cookie."""
    if not contents:
        response.delete_cookie(COOKIE, samesite="Lax")
        return
    response.set_cookie(
        COOKIE,
        _signer.sign(encode(contents)),
        max_age=COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=secure,
    )

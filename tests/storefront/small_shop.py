"""A small shop: two shelves, a few products, customers; and what visitors do in it."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.test import Client

from examples.storefront.accounts.models import Customer, CustomerGroup
from examples.storefront.catalogue.models import Category, Collection, Product
from examples.storefront.money.models import ExchangeRate

PASSWORD = "moss-and-slate-9"


@dataclass
class Shop:
    """What stands in the database."""

    lighting: Category
    lamps: Category
    mugs: Category
    collection: Collection
    trade: CustomerGroup
    made: int = 0

    def product(self, **fields: Any) -> Product:
        """A mug like any other, but for the given fields."""
        self.made += 1
        number = self.made
        defaults = {
            "category": self.mugs,
            "collection": self.collection,
            "sku": f"T{number:04d}",
            "slug": f"mug-{number}",
            "name": f"Mug {number}",
            "name_de": f"Becher {number}",
            "description": "Holds tea.",
            "description_de": "Hält Tee.",
            "material": "stoneware",
            "material_de": "Steinzeug",
            "measures": "H 9 cm",
            "colour": "moss",
            "artwork": "mug/moss-1",
            "price": Decimal("20.00"),
            "stock": 10,
            "introduced": date(2026, 1, 1) + timedelta(days=number),
            "popularity": number,
        }
        return Product.objects.create(**defaults | fields)

    def customer(self, email: str = "ada@example.com", **fields: Any) -> Customer:
        """A customer whose password is PASSWORD."""
        return Customer.objects.create_user(email, PASSWORD, first_name="Ada", **fields)


def stock_shop() -> Shop:
    """Put the small shop into the database."""
    lighting = Category(slug="lighting", name="Lighting", name_de="Licht", artwork="mirror/ink-1")
    lighting.save()
    lamps = Category(
        parent=lighting, slug="lamps", name="Lamps", name_de="Lampen", artwork="table-lamp/ink-1"
    )
    lamps.save()
    mugs = Category(slug="mugs", name="Mugs", name_de="Becher", artwork="mug/ink-1")
    mugs.save()
    ExchangeRate.objects.create(code="USD", rate=Decimal("1.10000"))
    return Shop(
        lighting=lighting,
        lamps=lamps,
        mugs=mugs,
        collection=Collection.objects.create(slug="marea", name="Marea", story="Tides."),
        trade=CustomerGroup.objects.create(
            code="trade", name="Trade", discount_percent=Decimal(15)
        ),
    )


def log_in(client: Client, email: str = "ada@example.com") -> None:
    """Log in by the shop's own form, as a visitor does."""
    response = client.post("/en/account/login/", {"username": email, "password": PASSWORD})
    assert response.status_code == 302, response.content.decode()


def add(client: Client, product: Product, quantity: int = 1, **extra: Any) -> Any:
    """Send the add-to-basket form."""
    data = {"product": product.pk, "quantity": quantity}
    return client.post("/en/basket/add/", data, **extra)

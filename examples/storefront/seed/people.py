"""Groups, customers and staff of the demo. Their passwords are printed by ``make demo``."""

from dataclasses import dataclass
from decimal import Decimal

from ..accounts.models import Customer, CustomerGroup


@dataclass(frozen=True)
class Person:
    """Somebody to log in as."""

    role: str
    email: str
    password: str
    first_name: str
    last_name: str


CUSTOMER = Person("customer", "nora@example.com", "harbour-lamp-7", "Nora", "Hansen")
TRADE = Person("trade customer", "trade@example.com", "cobalt-kiln-12", "Emil", "Sørby")
STAFF = Person("staff", "staff@example.com", "quiet-shelf-31", "Ida", "Lenz")
TRADE_GROUP = "trade"


def seed_people() -> None:
    """Store groups, a customer, a trade customer and a member of staff."""
    trade = CustomerGroup.objects.create(
        code=TRADE_GROUP, name="Trade", discount_percent=Decimal(15)
    )
    for person, extra in (
        (CUSTOMER, {}),
        (TRADE, {"group": trade}),
        (STAFF, {"is_staff": True, "is_superuser": True}),
    ):
        Customer.objects.create_user(
            person.email,
            person.password,
            first_name=person.first_name,
            last_name=person.last_name,
            **extra,
        )

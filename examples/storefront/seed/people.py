"""Groups, customers and staff of the demo. Their passwords are printed by ``make demo``."""

from dataclasses import dataclass


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

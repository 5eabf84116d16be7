"""What is printed when the shop stands."""

from ..seed.people import CUSTOMER, STAFF, TRADE


def welcome(shop: str, admin: str, origin: str) -> str:
    """Address, log-ins and three things to try."""
    logins = "\n".join(
        f"    {person.role:<15} {person.email:<20} {person.password}"
        for person in (CUSTOMER, TRADE, STAFF)
    )
    return f"""\
  The shop:  {shop}

  Log in as
{logins}

  Three things to try
    1. Look at {shop}/en/c/tableware/mugs/ twice and watch the Cache-Status header say "hit":
         curl -sI {shop}/en/c/tableware/mugs/ | grep -i cache-status
       Put a mug into the basket: the page still comes out of the cache, the basket is yours.
    2. Log in as the trade customer in a second browser: same stored pages, other prices.
    3. Log in as staff at {shop}/admin/catalogue/product/, change a price, reload the shop:
       the save purged the pages that show it, and only those.

  Django itself: {origin}   The edge's admin API: {admin} (token in var/demo-secrets.json)
  Logs: var/log/   Ctrl-C stops everything.
"""

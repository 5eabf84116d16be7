"""What lies in customers' baskets, from the data caches."""

from collections.abc import Mapping, Sequence

from origin.datacache import Loader

from .models import BasketLine

Stored = tuple[tuple[int, int], ...]
"""Products and quantities, in the order they were put in."""


class Baskets(Loader[int, Stored]):
    """Baskets by their customer's key."""

    max_age = 3600.0
    groups = ("basket:{key}",)

    def load(self, keys: Sequence[int]) -> Mapping[int, Stored]:
        """One query; an empty basket is one, too."""
        found: dict[int, list[tuple[int, int]]] = {key: [] for key in keys}
        lines = BasketLine.objects.filter(customer__in=keys)
        for customer, product, quantity in lines.values_list("customer", "product", "quantity"):
            found[customer].append((product, quantity))
        return {key: tuple(lines) for key, lines in found.items()}


baskets = Baskets()

"""What the pages read."""

from decimal import Decimal

from origin.datacache import CachedModel, Loader, cached

from .models import Shoe


class Shoes(CachedModel[Shoe]):
    """By key."""

    model = Shoe
    max_age = 300


shoes = Shoes()


@cached(key="{pk}", max_age=60)
def price_of(pk: int) -> Decimal:
    """Names no groups itself."""
    found = shoes.get(pk)
    return Decimal(0) if found is None else found.price


class Ratings(Loader[int, int]):
    """Nobody has rated anything yet."""

    max_age = 120
    groups = ("rating:{key}",)

    def load(self, keys):
        return {}


ratings = Ratings()


@cached(key="{pk}", max_age=60, groups=("unstorable:{pk}",))
def unstorable(pk: int) -> object:
    """A value that cannot be stored, of one that can."""
    shoes.get(pk)
    return Ratings

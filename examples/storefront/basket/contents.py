"""What lies in a basket, pure: product ids and quantities, and how a cookie holds them."""

from collections.abc import Mapping

MOST_LINES = 40
MOST_PIECES = 99

Contents = Mapping[int, int]


def changed(contents: Contents, product_id: int, quantity: int) -> dict[int, int]:
    """The contents with a new quantity of one product; 0 takes it out.

    Raises ValueError when one more line would not fit.
    """
    result = {key: value for key, value in contents.items() if key != product_id}
    if quantity > 0:
        if len(result) >= MOST_LINES:
            raise ValueError(f"a basket holds {MOST_LINES} different things at most")
        result[product_id] = min(quantity, MOST_PIECES)
    return result


def merged(mine: Contents, brought: Contents) -> dict[int, int]:
    """Both contents as one, each product in the larger quantity.

    The larger, not the sum: a log-in that is repeated because its answer was lost must not
    double what lies in the basket.
    """
    result = dict(mine)
    for product_id, quantity in brought.items():
        if product_id in result or len(result) < MOST_LINES:
            result[product_id] = max(quantity, result.get(product_id, 0))
    return result


def encode(contents: Contents) -> str:
    """``12x1_40x3``: short, and of characters that need no quoting in a cookie."""
    return "_".join(f"{product_id}x{quantity}" for product_id, quantity in contents.items())


def decode(text: str) -> dict[int, int]:
    """The contents of ``encode``. Raises ValueError for anything it would not write."""
    contents: dict[int, int] = {}
    for line in filter(None, text.split("_")):
        product_id, quantity = (int(number) for number in line.split("x"))
        if not 0 < quantity <= MOST_PIECES or product_id <= 0:
            raise ValueError(f"not a basket line: {line!r}")
        contents[product_id] = quantity
    if len(contents) > MOST_LINES:
        raise ValueError(f"a basket holds {MOST_LINES} different things at most")
    return contents

"""Models of the catalogue, one concept a file."""

from .category import Category
from .group_price import GroupPrice
from .product import Collection, Product
from .review import Review

__all__ = ["Category", "Collection", "GroupPrice", "Product", "Review"]

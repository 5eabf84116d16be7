"""Pages of the catalogue."""

from .listings import CategoryPage, SearchPage
from .product import ProductPage, Seen, WriteReview

__all__ = ["CategoryPage", "ProductPage", "SearchPage", "Seen", "WriteReview"]

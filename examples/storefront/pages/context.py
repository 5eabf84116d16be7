"""What every page's header and footer show."""

from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from ..catalogue.cached import shelves


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Context processor: ``navigation``, the top categories with those below them."""
    return {"navigation": SimpleLazyObject(shelves)}

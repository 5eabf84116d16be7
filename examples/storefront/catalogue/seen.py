"""Recently seen products, in a cookie of its own: ``17.4.230``, the latest first."""

import re

from django.http import HttpRequest
from django.http.response import HttpResponseBase

COOKIE = "seen"
MOST = 8
COOKIE_AGE = 30 * 24 * 3600
# longer ones are no keys of ours, and too large for some databases to be asked about
NUMBER = re.compile(r"[0-9]{1,9}")


def recently_seen(request: HttpRequest) -> list[int]:
    """Product ids, the latest first; what is no number is left out."""
    numbers = request.COOKIES.get(COOKIE, "").split(".")[:MOST]
    return [int(number) for number in numbers if NUMBER.fullmatch(number)]


def remember(request: HttpRequest, response: HttpResponseBase, product_id: int) -> None:
    """Put a product first."""
    others = [number for number in recently_seen(request) if number != product_id]
    value = ".".join(str(number) for number in [product_id, *others][:MOST])
    response.set_cookie(
        COOKIE, value, max_age=COOKIE_AGE, httponly=True, samesite="Lax", secure=request.is_secure()
    )

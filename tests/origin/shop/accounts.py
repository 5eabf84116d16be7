"""What the shop says of an account, for pages that differ by it."""

from __future__ import annotations

from django.http import HttpRequest


def context(request: HttpRequest) -> dict[str, str]:
    """Staff see trade prices."""
    if not request.user.is_authenticated:
        return {}
    return {"tier": "trade" if request.user.is_staff else "retail"}

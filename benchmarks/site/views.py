"""Pages of the benchmarks' site."""

from __future__ import annotations

from typing import Any

from django.views.generic import TemplateView

from .settings import MODE

SIZE = 10_000
"""Bytes of a page: a category page of a shop, without its images."""


class Page(TemplateView):
    """A page of 10 kB that is the same for everybody."""

    template_name = "page.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Forty items, and filler up to the size."""
        number = kwargs["number"]
        items = [
            {"number": n, "name": f"Item {n} of page {number}", "price": f"{n * 1.5:.2f}"}
            for n in range(40)
        ]
        return {"title": f"Page {number}", "items": items, "filler": "x" * (SIZE - 3000)}


page = Page.as_view()
if MODE == "two_pass":
    from origin import two_pass

    page = two_pass(max_age=3600)(page)

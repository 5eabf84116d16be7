"""Pages of the benchmarks' site."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.vary import vary_on_cookie
from django.views.generic import TemplateView

from .counting import PART_RENDERINGS, note, so_far
from .pages import SIZE, own, prose
from .settings import MODE, SESSION_COOKIE_NAME, SLOWNESS

BY_ITSELF = ("two_pass", "ssi", "esi", "ajax")
"""Modes in which a page holds a place for each part, and the part comes by itself."""


@never_cache
def count(request: HttpRequest) -> HttpResponse:
    """What has reached this process so far."""
    return JsonResponse(so_far())


@never_cache
def login(request: HttpRequest, number: int) -> HttpResponse:
    """Begin the session of a visitor."""
    request.session["visitor"] = number
    return HttpResponse("welcome")


@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """A page that nobody may keep."""
    return HttpResponse(prose(SIZE))


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
        return {"title": f"Page {number}", "items": items, "filler": prose(SIZE - 3000, number)}


@dataclass(frozen=True, slots=True)
class Section:
    """A text and a part that is the visitor's own; each is made when a template asks for it."""

    number: int
    size: int
    visitor: str

    def text(self) -> str:
        """The same for everybody."""
        return prose(self.size, self.number)

    def own(self) -> str:
        """For this visitor only."""
        note(PART_RENDERINGS)
        return own(self.visitor, self.number)


class Personal(TemplateView):
    """With `count` parts that are the visitor's own; how they get in depends on the mode."""

    template_name = "personal_fragments.html" if MODE == "fragments" else "personal.html"
    part = "own"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The text between the parts, and the parts where they are rendered in place."""
        number = int(kwargs["count"])
        size = int(kwargs.get("kilobytes", SIZE // 1000)) * 1000 // (number + 1)
        visitor = ""
        if MODE not in BY_ITSELF:
            visitor = self.request.COOKIES.get(SESSION_COOKIE_NAME, "")
        return {
            "parts": [Section(n, size, visitor) for n in range(number)],
            "include": f"part_{MODE if MODE in BY_ITSELF else 'plain'}.html",
            "kind": self.part,
            "rest": Section(0, size, visitor),
            "visitor": visitor,
        }


class Slow(Personal):
    """The same with parts that take their time."""

    part = "slow"


class SlowSync(Personal):
    """The same in blocking code."""

    part = "slow_sync"


def forms(request: HttpRequest) -> HttpResponse:
    """10 kB with eighteen forms, each with its CSRF token."""
    fields = [{"number": n, "text": prose(400, n)} for n in range(18)]
    return render(request, "forms.html", {"forms": fields})


@cache_control(max_age=3600)
def own_view(request: HttpRequest, number: int) -> HttpResponse:
    """A part by itself, for caches that ask for each."""
    return HttpResponse(own(request.COOKIES.get(SESSION_COOKIE_NAME, ""), number))


@cache_control(max_age=3600)
def all_own_view(request: HttpRequest, count: int) -> HttpResponse:
    """All parts of a page in one answer, for a script that puts them where they belong."""
    visitor = request.COOKIES.get(SESSION_COOKIE_NAME, "")
    return JsonResponse({str(number): own(visitor, number) for number in range(count)})


@never_cache
async def slow_view(request: HttpRequest, number: int) -> HttpResponse:
    """A slow part by itself."""
    await asyncio.sleep(SLOWNESS)
    return HttpResponse(own(request.COOKIES.get(SESSION_COOKIE_NAME, ""), number))


page: Any = Page.as_view()
personal: Any = Personal.as_view()
slow: Any = Slow.as_view()
slow_sync: Any = SlowSync.as_view()
if MODE == "two_pass":
    from origin import two_pass

    page, personal, slow, slow_sync, forms = (
        two_pass(max_age=3600)(view) for view in (page, personal, slow, slow_sync, forms)
    )
elif MODE == "cache_page":
    # a page for each visitor: what Django's cache can do for pages with private parts
    personal = vary_on_cookie(personal)
elif MODE in ("ssi", "esi", "ajax"):
    page, personal, slow = (cache_control(max_age=3600)(view) for view in (page, personal, slow))

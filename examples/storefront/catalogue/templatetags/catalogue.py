"""Pictures, stars and links to the same page in another language."""

import functools
from decimal import Decimal

from django import template
from django.http import HttpRequest
from django.urls import translate_url
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from ..models import Category

register = template.Library()

STAR = "M10 1.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8L10 14.9l-5.2 2.7 1-5.8L1.6 7.7l5.8-.8z"


@register.filter
def picture(artwork: str) -> str:
    """The URL of an artwork, ``mug/ochre-7``."""
    return f"/art/{artwork}.svg"


@register.simple_tag
def stars(average: Decimal, count: int | None = None) -> SafeString:
    """Five stars, filled as far as the average goes; words for those who cannot see them."""
    label = _("%(average)s of 5 stars") % {"average": f"{average:.1f}"}
    return _stars(label, round(float(average) / 5 * 100), count)


@functools.lru_cache(maxsize=1000)
def _stars(label: str, share: int, count: int | None) -> SafeString:
    row = format_html('<svg viewBox="0 0 100 20" aria-hidden="true">{}</svg>', _row())
    number = (
        format_html('<span class="stars-count">({})</span>', count) if count is not None else ""
    )
    return format_html(
        '<span class="stars" role="img" aria-label="{}"><span class="stars-off">{}</span>'
        '<span class="stars-on" style="width:{}%">{}</span></span>{}',
        label,
        row,
        share,
        row,
        number,
    )


@register.simple_tag(takes_context=True)
def here_in(context: template.Context, language: str) -> str:
    """The URL of this page in another language; head and switches show the same ones."""
    request: HttpRequest = context["request"]
    known: dict[str, str] = request.__dict__.setdefault("_here_in", {})
    if language not in known:
        here = request.get_full_path()
        known[language] = here if language == get_language() else translate_url(here, language)
    return known[language]


@register.simple_tag(takes_context=True)
def open_shelf(context: template.Context) -> str:
    """The path of the top shelf that this page belongs to; empty for pages of no shelf.

    All that the navigation needs of a page, so that there is one of it for each top shelf.
    """
    shelves = [context.get("category"), *(context.get("lineage") or ())]
    path = next((shelf.path for shelf in shelves if isinstance(shelf, Category)), "")
    return path.partition("/")[0]


@functools.cache
def _row() -> SafeString:
    return SafeString(
        "".join(f'<path transform="translate({20 * n})" d="{STAR}"/>' for n in range(5))
    )

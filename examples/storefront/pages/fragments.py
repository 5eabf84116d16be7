"""What stands below every page: the footer, and the cookie banner."""

from django.http import HttpRequest
from django.template.loader import render_to_string

from origin import fragment

from ..catalogue.cached import shelves
from .choices import CONSENT_CHOICES, CONSENT_COOKIE


@fragment("consent", scope="public", max_age=3600, dimensions=("consent",))
def consent(request: HttpRequest, **_: object) -> str:
    """Asks until there is an answer. The cookie is a dimension: visitors who chose stay nobody."""
    undecided = request.COOKIES.get(CONSENT_COOKIE) not in CONSENT_CHOICES
    return render_to_string("pages/_consent.html", {"undecided": undecided}, request)


@fragment("footer", scope="public", max_age=3600, groups=("navigation",))
def footer(request: HttpRequest, **_: object) -> str:
    """Who the shop is, its shelves, and where help is; one for each language."""
    return render_to_string("pages/_footer.html", {"shelves": shelves()})

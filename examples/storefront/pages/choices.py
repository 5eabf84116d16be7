"""Cookies of the visitor's choices, and of the banner that is drawn for them."""

from django.http import HttpRequest

CONSENT_COOKIE = "consent"
CONSENT_CHOICES = ("all", "essential")
BANNER_COOKIE = "ab_banner"
BANNERS = ("a", "b")


def banner_for(request: HttpRequest) -> str:
    """The banner of this visitor's bucket; the first for those who have none."""
    drawn = request.COOKIES.get(BANNER_COOKIE, BANNERS[0])
    return drawn if drawn in BANNERS else BANNERS[0]

"""The home page, pages of text, and the visitor's choices."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.generic import TemplateView, View

from origin import add_groups, two_pass

from ..blog.models import Post
from ..catalogue.models import Product
from ..money.context import COOKIE as CURRENCY_COOKIE
from ..money.models import currencies
from .choices import CONSENT_CHOICES, CONSENT_COOKIE, banner_for
from .redirects import page_to_return_to

YEAR = 365 * 24 * 3600


@two_pass(
    dimensions=("currency", "banner"),
    query=(),
    groups=("posts", "navigation", "prices"),
    max_age=120,
)
class Home(TemplateView):
    """What is new, what is loved, and one of two banners."""

    template_name = "pages/home.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Products and posts for the shelves of the page."""
        listed = Product.objects.listed().filter(stock__gt=0)
        newest, loved = (
            listed.order_by("-introduced", "pk")[:8],
            listed.order_by("-popularity", "pk")[:4],
        )
        add_groups(self.request, [f"product:{product.pk}" for product in (*newest, *loved)])
        return super().get_context_data(
            banner=banner_for(self.request),
            newest=newest,
            loved=loved,
            posts=Post.objects.published(timezone.now())[:3],
            **kwargs,
        )


@two_pass(dimensions=("currency",), query=())
class About(TemplateView):
    """Who the shop is."""

    template_name = "pages/about.html"


@two_pass(dimensions=("currency",), query=())
class Delivery(TemplateView):
    """Delivery and returns."""

    template_name = "pages/delivery.html"


class SwitchCurrency(View):
    """A plain link: remembers a currency and goes back. Unknown ones are refused."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest, code: str) -> HttpResponse:
        """Set the cookie."""
        if code not in currencies():
            return HttpResponseBadRequest("This shop does not sell in that currency.\n")
        response = redirect(page_to_return_to(request, default=reverse("pages:home")))
        _remember(request, response, CURRENCY_COOKIE, code)
        return response


class Consent(View):
    """Takes the answer of the cookie banner."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Remember the choice; declining also forgets what was recently seen."""
        choice = request.POST.get("choice", "")
        if choice not in CONSENT_CHOICES:
            return HttpResponseBadRequest("Choose 'all' or 'essential'.\n")
        response = redirect(page_to_return_to(request, default=reverse("pages:home")))
        _remember(request, response, CONSENT_COOKIE, choice)
        if choice == "essential":
            response.delete_cookie("seen", samesite="Lax")
        return response


def _remember(request: HttpRequest, response: HttpResponse, cookie: str, value: str) -> None:
    response.set_cookie(
        cookie, value, max_age=YEAR, httponly=True, samesite="Lax", secure=request.is_secure()
    )
    add_never_cache_headers(response)

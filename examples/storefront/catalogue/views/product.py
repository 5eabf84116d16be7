"""The product page, and what is sent from it: reviews, and that it was seen."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import DetailView, View

from origin import add_groups, keeps_fragments, two_pass

from ..cached import lineage, listed_product, reviews
from ..forms import ReviewForm
from ..models import Product
from ..seen import remember

REVIEWS_A_PAGE = 6


@two_pass(dimensions=("currency",), query=("reviews",), groups=("prices",))
class ProductPage(DetailView):  # type: ignore[type-arg]
    """One product with its reviews."""

    template_name = "catalogue/product.html"
    context_object_name = "product"

    def get_object(self, queryset: QuerySet[Product] | None = None) -> Product:
        """A product that is shown."""
        return listed_product(self.kwargs["slug"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Where the product stands, and a page of reviews."""
        product: Product = self.object
        found = Paginator(reviews.get(product.pk) or (), REVIEWS_A_PAGE)
        add_groups(self.request, [f"product:{product.pk}", f"collection:{product.collection_id}"])
        return super().get_context_data(
            lineage=lineage(product.category.path),
            reviews=found.get_page(self.request.GET.get("reviews")),
            **kwargs,
        )


class WriteReview(LoginRequiredMixin, View):
    """Takes a customer's review of a product."""

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Where somebody lands who had to log in first: at the form."""
        return redirect(get_object_or_404(Product, slug=slug).get_absolute_url() + "#write-review")

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Store the review and go back to the product."""
        product = get_object_or_404(Product.objects.listed(), slug=slug)
        form = ReviewForm(request.POST)
        if form.is_valid():
            self.store(form, product)
        else:
            messages.error(request, _("A review needs stars, a headline and a text."))
        return redirect(product.get_absolute_url() + "#reviews")

    def store(self, form: ReviewForm, product: Product) -> None:
        """One review for each customer and product; the constraint decides races."""
        review = form.save(commit=False)
        review.product, review.customer = product, self.request.user
        review.author = self.request.user.greeting_name  # type: ignore[union-attr]
        review.language = get_language()
        try:
            with transaction.atomic():
                review.save()
        except IntegrityError:
            messages.warning(self.request, _("You have reviewed this already."))
        else:
            messages.success(self.request, _("Thank you for your review."))


@method_decorator([keeps_fragments, csrf_exempt], name="dispatch")
class Seen(View):
    """A beacon: pages tell that a product was looked at, and the visitor's cookie remembers it.

    A cached page cannot set cookies itself. Nothing is stored here, so no token is needed.
    """

    http_method_names = ["get", "post"]

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """For browsers without scripts, which load it as a picture."""
        return self.post(request, pk)

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Note the product, unless the visitor declined."""
        response = HttpResponse(status=204, headers={"Cache-Control": "no-store"})
        if request.COOKIES.get("consent") != "essential" and Product.objects.filter(pk=pk).exists():
            remember(request, response, pk)
        return response

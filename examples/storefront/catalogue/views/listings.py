"""Listings: a category, and what a search found."""

from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.views.generic import ListView

from origin import add_groups, two_pass

from ...money.context import currency_of
from ..facets import colour_choices, price_choices, sort_choices, stock_choice
from ..listing import PAGE_SIZE, PRICE_BANDS, QUERY, SORTS, Listing
from ..models import Category, Product


class ProductListing(ListView):  # type: ignore[type-arg]
    """Products with sort order, filters and pages; subclasses say which products."""

    paginate_by = PAGE_SIZE
    context_object_name = "products"

    @cached_property
    def listing(self) -> Listing:
        """What the visitor asked for."""
        return Listing.of(self.request.GET)

    def candidates(self) -> QuerySet[Product]:
        """The products before filters."""
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Product]:
        """The products, filtered and sorted."""
        listing, found = self.listing, self.candidates()
        if listing.colour:
            found = found.filter(colour=listing.colour)
        if listing.stock:
            found = found.filter(stock__gt=0)
        low, high = PRICE_BANDS.get(listing.price, (None, None))
        bounds = Q()
        if low is not None:
            bounds &= Q(price__gte=low)
        if high is not None:
            bounds &= Q(price__lt=high)
        return found.filter(bounds).order_by(*SORTS[listing.sort][1])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The choices beside the products."""
        listing = self.listing
        context = super().get_context_data(
            listing=listing,
            in_stock=stock_choice(listing),
            unfiltered=listing.query(colour="", price="", stock=""),
            sorts=list(sort_choices(listing)),
            colours=list(colour_choices(listing)),
            price_bands=list(price_choices(listing, currency_of(self.request))),
            page_query=listing.query(),
            **kwargs,
        )
        page = context["page_obj"]
        add_groups(self.request, [f"product:{product.pk}" for product in page])
        context["page_numbers"] = list(page.paginator.get_elided_page_range(page.number, on_ends=1))
        return context


@two_pass(dimensions=("currency",), query=QUERY, groups=("navigation", "prices"))
class CategoryPage(ProductListing):
    """A category with all that lies below it."""

    template_name = "catalogue/category.html"

    @cached_property
    def category(self) -> Category:
        """The category of the URL."""
        return get_object_or_404(Category, path=self.kwargs["path"])

    def candidates(self) -> QuerySet[Product]:
        """What is on this shelf."""
        return Product.objects.listed().in_category(self.category)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Where the category stands in the tree."""
        category = self.category
        shelf = Category.objects.within(category).values_list("pk", flat=True)
        add_groups(self.request, [f"category:{pk}" for pk in shelf])
        ancestors = Category.objects.filter(path__in=category.lineage_paths()[:-1]).order_by("path")
        return super().get_context_data(
            category=category,
            ancestors=ancestors,
            children=category.children.all(),
            **kwargs,
        )


@two_pass(dimensions=("currency",), query=QUERY, groups=("prices",), max_age=60)
class SearchPage(ProductListing):
    """Products whose texts hold all the words."""

    template_name = "catalogue/search.html"

    def candidates(self) -> QuerySet[Product]:
        """What was found; nothing for no words."""
        words = self.listing.words
        return Product.objects.listed().matching(words) if words else Product.objects.none()

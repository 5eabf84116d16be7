"""What catalogue pages show each visitor: their group's prices, what they saw, what fits."""

from decimal import Decimal

from django.http import HttpRequest
from django.template.loader import render_to_string

from origin import add_groups, fragment

from ..accounts.marker import COOKIE as GROUP_COOKIE
from .cached import shelves
from .models import Product
from .pricing import price_list_of
from .seen import COOKIE as SEEN_COOKIE
from .seen import recently_seen

RECOMMENDED = 4


@fragment(
    "group_price",
    scope="private",
    max_age=60,
    dimensions=("currency",),
    when_cookie=GROUP_COOKIE,
    groups=("product:{product}",),
)
def group_price(request: HttpRequest, product: int, price: str, **_: object) -> str:
    """The price of the customer's group where it is lower.

    The list price is an argument: it is signed, it is the one the page shows, and so eighteen
    cards cost no query each.
    """
    group = request.user.group if request.user.is_authenticated else None
    if group is None:
        return ""
    add_groups(request, [f"customer_group:{group.pk}"])
    list_price = Decimal(price)
    own_price = price_list_of(request).price(product, list_price)
    if own_price >= list_price:
        return ""
    context = {"group": group, "price": own_price}
    return render_to_string("catalogue/_group_price.html", context, request)


@fragment("navigation", scope="public", max_age=3600, groups=("navigation",))
def navigation(request: HttpRequest, shelf: str, **_: object) -> str:
    """The top shelves, the one of the page marked; the same for all pages below it.

    Without the request: nothing of a visitor or a page is in it but its arguments.
    """
    return render_to_string("catalogue/_navigation.html", {"shelves": shelves(), "open": shelf})


@fragment(
    "recommendations",
    scope="public",
    max_age=300,
    stale_while_revalidate=600,
    dimensions=("currency",),
    groups=("product:{product}", "prices"),
)
def recommendations(request: HttpRequest, product: int, **_: object) -> str:
    """The best loved of the collection, one of a kind, in the same colour first."""
    this = Product.objects.filter(pk=product).first()
    if this is None:
        return ""
    others = Product.objects.listed().filter(collection=this.collection_id, stock__gt=0)
    others = others.exclude(category=this.category_id)
    chosen: dict[int, Product] = {}
    for other in sorted(others, key=lambda p: (p.colour != this.colour, -p.popularity, p.pk)):
        chosen.setdefault(other.category_id, other)
        if len(chosen) == RECOMMENDED:
            break
    add_groups(request, [f"product:{other.pk}" for other in chosen.values()])
    context = {"products": list(chosen.values())}
    return render_to_string("catalogue/_recommendations.html", context, request)


@fragment(
    "recently_seen", scope="private", max_age=60, when_cookie=SEEN_COOKIE, cookies=SEEN_COOKIE
)
def recently_seen_products(request: HttpRequest, **_: object) -> str:
    """What this browser looked at lately; the cookie knows, nobody else."""
    numbers = recently_seen(request)
    found = Product.objects.listed().in_bulk(numbers)
    add_groups(request, [f"product:{number}" for number in found])
    context = {"products": [found[number] for number in numbers if number in found]}
    return render_to_string("catalogue/_recently_seen.html", context, request)

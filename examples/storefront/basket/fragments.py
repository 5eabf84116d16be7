"""The basket's badge in the header."""

from django.http import HttpRequest
from django.template.loader import render_to_string

from origin import add_groups, fragment

from .priced import priced_basket_of
from .store import COOKIE


@fragment(
    "basket",
    scope="private",
    max_age=60,
    dimensions=("currency",),
    cookies=COOKIE,
    when_cookie=(COOKIE, "sessionid"),
    groups=("prices",),
)
def basket(request: HttpRequest, **_: object) -> str:
    """How many pieces lie in it and what they cost; nothing while it is empty."""
    priced = priced_basket_of(request)
    if request.user.is_authenticated and request.user.group_id is not None:
        add_groups(request, [f"customer_group:{request.user.group_id}"])
    add_groups(request, [f"product:{line.product.pk}" for line in priced.lines])
    return render_to_string("basket/_badge.html", {"basket": priced}, request)

"""At log-in the visitor's basket joins the customer's."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from ..accounts.models import Customer
from ..catalogue.models import Product
from .contents import merged
from .models import BasketLine
from .store import AccountBasket, read_cookie


@receiver(user_logged_in)
def merge_baskets(request: HttpRequest, user: Customer, **_: Any) -> None:
    """Store what the cookie held, and let the cookie go with the answer."""
    brought = read_cookie(request)
    if not brought:
        return
    sold = set(Product.objects.listed().filter(pk__in=brought).values_list("pk", flat=True))
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=user.pk)
        both = merged(AccountBasket(user).stored(), {k: v for k, v in brought.items() if k in sold})
        BasketLine.objects.bulk_create(
            [
                BasketLine(customer=user, product_id=key, quantity=value)
                for key, value in both.items()
            ],
            update_conflicts=True,
            unique_fields=["customer", "product"],
            update_fields=["quantity"],
        )
    request.pending_basket = {}  # type: ignore[attr-defined]

"""Checkout and order history; both only for customers who are logged in."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import DetailView, FormView, ListView

from ..basket.priced import PricedBasket, priced_basket_of
from ..money.context import currency_of
from .checkout import BasketIsEmpty, OutOfStock, PriceChanged, place_order
from .forms import CheckoutForm
from .models import Order


@method_decorator(never_cache, name="dispatch")
class Checkout(LoginRequiredMixin, FormView):  # type: ignore[type-arg]
    """Asks for an address and places the order."""

    form_class = CheckoutForm
    template_name = "orders/checkout.html"

    @cached_property
    def basket(self) -> PricedBasket:
        """The customer's basket."""
        return priced_basket_of(self.request)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The form; without anything to order, or with too little in stock, the basket."""
        if not self.basket.lines or self.basket.is_short:
            return redirect("basket:basket")
        return super().get(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        """The address of the last order, else the customer's name."""
        customer: Any = self.request.user
        last = customer.orders.first()
        if last is None:
            return {"name": customer.get_full_name(), "country": "DE"}
        return {
            field: getattr(last, field)
            for field in ("name", "street", "postcode", "city", "country")
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The basket beside the form."""
        return super().get_context_data(basket=self.basket, **kwargs)

    def form_valid(self, form: CheckoutForm) -> HttpResponse:
        """Place the order, or say why it could not be placed."""
        address = dict(form.cleaned_data)
        shown_total = address.pop("shown_total")
        customer: Any = self.request.user
        try:
            order = place_order(customer, address, currency_of(self.request), shown_total)
        except BasketIsEmpty:
            messages.info(self.request, _("There is nothing in your basket to order."))
            return redirect("orders:history" if customer.orders.exists() else "basket:basket")
        except OutOfStock as short:
            for line in short.lines:
                text = _("Only %(stock)d of %(name)s are in stock.")
                values = {"stock": line.product.stock, "name": line.product.title}
                messages.error(self.request, text % values)
            return redirect("basket:basket")
        except PriceChanged:
            messages.warning(
                self.request,
                _("Prices have changed since you came here. Please check the new total."),
            )
            return redirect("orders:checkout")
        messages.success(
            self.request, _("Thank you! Order %(number)s is placed.") % {"number": order.number}
        )
        return redirect(order)


class OwnOrders(LoginRequiredMixin):
    """Customers see their own orders only."""

    request: HttpRequest

    def get_queryset(self) -> QuerySet[Order]:
        """The orders of the customer who asks."""
        customer: Any = self.request.user
        orders: QuerySet[Order] = customer.orders.prefetch_related("lines")
        return orders


@method_decorator(never_cache, name="dispatch")
class History(OwnOrders, ListView):  # type: ignore[type-arg]
    """All orders, the newest first."""

    template_name = "orders/history.html"
    context_object_name = "orders"
    paginate_by = 10


@method_decorator(never_cache, name="dispatch")
class OrderPage(OwnOrders, DetailView):  # type: ignore[type-arg]
    """One order."""

    template_name = "orders/order.html"
    context_object_name = "order"

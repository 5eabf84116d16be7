"""The basket page, and the forms that change a basket."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView, View

from ..catalogue.models import Product
from ..pages.redirects import page_to_return_to
from .forms import BasketForm
from .priced import priced_basket_of
from .store import basket_of


@method_decorator(never_cache, name="dispatch")
class BasketPage(TemplateView):
    """What lies in the basket."""

    template_name = "basket/basket.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The priced basket."""
        return super().get_context_data(basket=priced_basket_of(self.request), **kwargs)


class ChangeBasket(View):
    """Takes a form with product and quantity, and goes back to the page it stood on."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change the basket, say what happened, go back."""
        form = BasketForm(request.POST)
        back = page_to_return_to(request, default=reverse("basket:basket"))
        if not form.is_valid():
            messages.error(request, _("That could not be put into the basket."))
            return redirect(back)
        try:
            self.change(form.cleaned_data["product"], form.cleaned_data["quantity"])
        except ValueError:
            messages.error(request, _("Your basket is full. Take something out first."))
        return redirect(back)

    def change(self, product: Product, quantity: int) -> None:
        """Set the quantity; at most what is in stock."""
        basket_of(self.request).put(product.pk, min(quantity, product.stock))
        if quantity > product.stock:
            self.warn_of_stock(product)
        elif quantity == 0:
            messages.info(
                self.request, _("%(name)s is out of your basket.") % {"name": product.title}
            )
        else:
            messages.success(self.request, _("Your basket is up to date."))

    def warn_of_stock(self, product: Product) -> None:
        """Say how many there are."""
        text = _("Only %(stock)d of %(name)s are in stock.")
        messages.warning(self.request, text % {"stock": product.stock, "name": product.title})


class AddToBasket(ChangeBasket):
    """Adds pieces to those that lie in the basket."""

    def change(self, product: Product, quantity: int) -> None:
        """Add them; at most what is in stock."""
        basket = basket_of(self.request)
        wanted = basket.stored().get(product.pk, 0) + quantity
        if product.stock == 0:
            text = _("%(name)s is sold out.")
            messages.warning(self.request, text % {"name": product.title})
            return
        basket.put(product.pk, min(wanted, product.stock))
        if wanted > product.stock:
            self.warn_of_stock(product)
            return
        messages.success(self.request, _("%(name)s is in your basket.") % {"name": product.title})

"""Orders, as they were placed: later changes of products or prices do not touch them."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from ..catalogue.models import Product
from ..money.currency import Currency


class Order(models.Model):
    """What a customer bought. Amounts are in the order's currency."""

    class Status(models.TextChoices):
        """How far an order has come."""

        PLACED = "placed", _("placed")
        SENT = "sent", _("on its way")
        CANCELLED = "cancelled", _("cancelled")

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders", verbose_name=_("customer")
    )
    placed = models.DateTimeField(_("placed"), auto_now_add=True)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.PLACED
    )
    currency_code = models.CharField(_("currency"), max_length=3)
    rate = models.DecimalField(_("units for one euro"), max_digits=10, decimal_places=5)
    total = models.DecimalField(_("total"), max_digits=12, decimal_places=2)
    name = models.CharField(_("name"), max_length=120)
    street = models.CharField(_("street and number"), max_length=120)
    postcode = models.CharField(_("postcode"), max_length=12)
    city = models.CharField(_("town"), max_length=80)
    country = models.CharField(_("country"), max_length=60)

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ("-placed", "-pk")

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        """The customer's page of it."""
        return reverse("orders:order", kwargs={"pk": self.pk})

    @property
    def number(self) -> str:
        """What customers and staff call it."""
        return f"LL-{100_000 + self.pk}"

    @property
    def currency(self) -> Currency:
        """The currency at the rate of the day it was placed."""
        return Currency(self.currency_code, self.rate)


class OrderLine(models.Model):
    """One product of an order, with its name and price of that day."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, models.SET_NULL, null=True, related_name="+")
    sku = models.CharField(_("article number"), max_length=20)
    name = models.CharField(_("name"), max_length=120)
    artwork = models.CharField(_("artwork"), max_length=40)
    quantity = models.PositiveSmallIntegerField(_("quantity"))
    unit_price = models.DecimalField(_("price"), max_digits=10, decimal_places=2)

    class Meta:
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.quantity} of {self.name}"

    @property
    def total(self) -> Decimal:
        """What all pieces of the line cost."""
        return self.unit_price * self.quantity

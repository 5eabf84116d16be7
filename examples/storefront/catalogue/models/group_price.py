"""Prices agreed with a customer group for single products."""

from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from origin.querysets import InvalidatingManager

from ...accounts.models import CustomerGroup
from .product import Product


class GroupPrice(models.Model):
    """A price in euro that stands instead of the group's discount."""

    two_pass_groups = ("product:{product_id}",)

    product = models.ForeignKey(
        Product, models.CASCADE, verbose_name=_("product"), related_name="group_prices"
    )
    group = models.ForeignKey(
        CustomerGroup, models.CASCADE, verbose_name=_("customer group"), related_name="prices"
    )
    price = models.DecimalField(
        _("price in euro"),
        max_digits=8,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01"))],
    )

    objects = InvalidatingManager()

    class Meta:
        verbose_name = _("group price")
        verbose_name_plural = _("group prices")
        constraints = [
            models.UniqueConstraint(fields=["product", "group"], name="group_price_once"),
            models.CheckConstraint(condition=models.Q(price__gt=0), name="group_price_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.product} ({self.group})"

"""Baskets of customers with an account."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from origin.querysets import InvalidatingManager

from ..catalogue.models import Product
from .contents import MOST_PIECES


class BasketLine(models.Model):
    """So many pieces of a product in a customer's basket."""

    # whatever shows it, on whichever device
    two_pass_groups = ("basket:{customer_id}",)

    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="basket_lines"
    )
    product = models.ForeignKey(Product, models.CASCADE, related_name="+")
    quantity = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PIECES)]
    )

    objects = InvalidatingManager()

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["customer", "product"], name="basket_line_once"),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=1, quantity__lte=MOST_PIECES),
                name="basket_line_quantity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.product_id}"

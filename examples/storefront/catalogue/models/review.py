"""What customers say about products."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .product import Product


class Review(models.Model):
    """One customer's opinion of one product."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="reviews")
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="reviews"
    )
    author = models.CharField(_("author"), max_length=60)
    stars = models.PositiveSmallIntegerField(
        _("stars"), validators=[MinValueValidator(1), MaxValueValidator(5)]
    )
    title = models.CharField(_("headline"), max_length=80)
    body = models.TextField(_("review"), max_length=2000)
    language = models.CharField(_("language"), max_length=5, choices=settings.LANGUAGES)
    created = models.DateTimeField(_("written"), default=timezone.now)

    class Meta:
        verbose_name = _("review")
        verbose_name_plural = _("reviews")
        ordering = ("-created", "-pk")
        constraints = [
            models.UniqueConstraint(fields=["product", "customer"], name="review_once"),
            models.CheckConstraint(
                condition=models.Q(stars__gte=1, stars__lte=5), name="review_one_to_five_stars"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author}: {self.title}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store it, and the product's average with it."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            rate(self.product)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Delete it, and store the product's new average."""
        with transaction.atomic():
            deleted = super().delete(*args, **kwargs)
            rate(self.product)
        return deleted


def rate(product: Product) -> None:
    """Store how a product is rated. Saving it purges the pages that show its stars."""
    found = product.reviews.aggregate(average=models.Avg("stars"), count=models.Count("pk"))
    product.rating_average = Decimal(str(round(found["average"] or 0, 2)))
    product.rating_count = found["count"]
    product.save(update_fields=["rating_average", "rating_count"])

"""Models that declare groups in every way there is."""

from __future__ import annotations

from django.db import models

from origin.querysets import InvalidatingManager, InvalidatingQuerySet


class Named(models.Model):
    name = models.CharField(max_length=40)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Category(Named):
    two_pass_groups = ("category:{pk}",)


class Tag(Named):
    two_pass_groups = "tag:{name}"


class Product(Named):
    price = models.IntegerField(default=0)
    category = models.ForeignKey(Category, models.CASCADE, related_name="products")
    tags = models.ManyToManyField(Tag)

    objects = InvalidatingManager()

    two_pass_groups = ("product:{pk}", "category:{category_id}")


class Bargain(Product):
    """A proxy."""

    class Meta:
        proxy = True


class ReviewQuerySet(InvalidatingQuerySet["Review"]):
    def good(self) -> ReviewQuerySet:
        return self.filter(stars__gte=4)


class Review(models.Model):
    product = models.ForeignKey(Product, models.CASCADE)
    stars = models.IntegerField()

    objects = ReviewQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.stars} stars"

    def two_pass_groups(self) -> list[str]:
        return [f"product:{self.product_id}", f"stars:{self.stars}"]


class Page(Named):
    """Knows nothing of two-pass; its groups are declared by tests."""

    slug = models.CharField(max_length=40)


class Plain(Named):
    """Has no groups."""

    objects = InvalidatingManager()

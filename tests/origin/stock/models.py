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


class Brand(Named):
    """Has no groups, but is pointed to by what has."""


class Big(Brand):
    """A proxy."""

    class Meta:
        proxy = True


def unknown_brand() -> Brand:
    return Brand.objects.get_or_create(name="unknown")[0]


class Offer(Named):
    """Loses what it points to in every way that Django has."""

    two_pass_groups = (
        "offer:{pk}",
        "nulled:{nulled_id}",
        "defaulted:{defaulted_id}",
        "set:{given_id}",
    )
    number = models.IntegerField(unique=True, null=True)
    nulled = models.ForeignKey(Brand, models.SET_NULL, null=True, related_name="+")
    defaulted = models.ForeignKey(
        Brand, models.SET_DEFAULT, null=True, default=None, related_name="defaulted"
    )
    given = models.ForeignKey(Brand, models.SET(unknown_brand), null=True, related_name="given")
    objects = InvalidatingManager()


class Document(Named):
    brand = models.ForeignKey(Brand, models.SET_NULL, null=True)


class Leaflet(Document):
    """Inherits the field that is nulled."""

    two_pass_groups = ("leaflet:{pk}", "leaflets:{brand_id}")
    objects = InvalidatingManager()


class Box(Named):
    """The database deletes it with its brand, where Django can say so (from 6.1 on)."""

    brand = models.ForeignKey(Brand, getattr(models, "DB_CASCADE", models.CASCADE))


class Sticker(Named):
    """Stands on a box; what becomes of it then the database decides, too."""

    two_pass_groups = ("sticker:{pk}", "box:{box_id}", "lid:{lid_id}")
    box = models.ForeignKey(
        Box, getattr(models, "DB_CASCADE", models.CASCADE), null=True, related_name="+"
    )
    lid = models.ForeignKey(Box, getattr(models, "DB_SET_NULL", models.SET_NULL), null=True)
    objects = InvalidatingManager()


class Page(Named):
    """Knows nothing of two-pass; its groups are declared by tests."""

    slug = models.CharField(max_length=40)


class Plain(Named):
    """Has no groups."""

    objects = InvalidatingManager()

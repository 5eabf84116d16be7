"""Products and the collections they belong to."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from origin.querysets import InvalidatingManager, InvalidatingQuerySet

from ...art.palette import COLOURS
from ..localised import Localised
from ..search_text import fold
from .category import Category

FEW_LEFT = 5


class Collection(Localised, models.Model):
    """Things made to stand beside one another."""

    two_pass_groups = ("collection:{pk}",)

    slug = models.SlugField(_("slug"), unique=True)
    name = models.CharField(_("name"), max_length=60)
    story = models.TextField(_("story"))
    story_de = models.TextField(_("story (German)"), blank=True)

    objects = InvalidatingManager()

    class Meta:
        verbose_name = _("collection")
        verbose_name_plural = _("collections")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def description(self) -> str:
        """The story in the active language."""
        return self.localised("story")


class ProductQuerySet(InvalidatingQuerySet["Product"]):
    """Products as the shop shows them."""

    def listed(self) -> ProductQuerySet:
        """What may be bought or at least be seen."""
        return self.filter(is_active=True)

    def in_category(self, category: Category) -> ProductQuerySet:
        """Those of a category and of all below it."""
        return self.filter(category__in=Category.objects.within(category))

    def matching(self, words: str) -> ProductQuerySet:
        """Those whose texts hold every one of the words, in either language."""
        found = self
        for word in fold(words).split():
            found = found.filter(search_text__contains=word)
        return found


class Product(Localised, models.Model):
    """Something for sale. Prices are in euro and include value added tax."""

    # its own pages, and the listings of its shelf
    two_pass_groups = ("product:{pk}", "category:{category_id}")

    category = models.ForeignKey(
        Category, models.PROTECT, verbose_name=_("category"), related_name="products"
    )
    collection = models.ForeignKey(
        Collection, models.PROTECT, verbose_name=_("collection"), related_name="products"
    )
    sku = models.CharField(_("article number"), max_length=20, unique=True)
    slug = models.SlugField(_("slug"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=120)
    name_de = models.CharField(_("name (German)"), max_length=120, blank=True)
    description = models.TextField(_("description"))
    description_de = models.TextField(_("description (German)"), blank=True)
    material = models.CharField(_("material"), max_length=80)
    material_de = models.CharField(_("material (German)"), max_length=80, blank=True)
    measures = models.CharField(_("measures"), max_length=60)
    colour = models.CharField(
        _("colour"), max_length=20, choices=[(c.code, c.name) for c in COLOURS.values()]
    )
    artwork = models.CharField(_("artwork"), max_length=40, help_text=_("kind/colour-style"))
    price = models.DecimalField(
        _("price in euro"),
        max_digits=8,
        decimal_places=2,
        validators=[MinValueValidator(Decimal("0.01"))],
    )
    stock = models.PositiveIntegerField(_("in stock"), default=0)
    is_active = models.BooleanField(_("shown"), default=True)
    introduced = models.DateField(_("introduced"))
    popularity = models.PositiveIntegerField(_("popularity"), default=0)
    rating_average = models.DecimalField(max_digits=3, decimal_places=2, default=0, editable=False)
    rating_count = models.PositiveIntegerField(default=0, editable=False)
    search_text = models.TextField(editable=False)

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = _("product")
        verbose_name_plural = _("products")
        ordering = ("-popularity", "pk")
        constraints = [
            models.CheckConstraint(condition=models.Q(price__gt=0), name="product_price_positive"),
            models.CheckConstraint(
                condition=models.Q(stock__gte=0), name="product_stock_not_negative"
            ),
        ]
        indexes = [
            models.Index(fields=["category", "-popularity"], name="product_by_category"),
            models.Index(fields=["-introduced"], name="product_by_date"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store it with the text that searches look at."""
        self.search_text = self.searchable()
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "search_text"}
        super().save(*args, **kwargs)

    def get_absolute_url(self) -> str:
        """The product page."""
        return reverse("catalogue:product", kwargs={"slug": self.slug})

    def searchable(self) -> str:
        """The words a customer may look for, folded."""
        colour = COLOURS[self.colour]
        texts = (self.name, self.name_de, self.material, self.material_de, self.sku)
        return fold(" ".join((*texts, colour.english, colour.german)))

    @property
    def colour_name(self) -> str:
        """What the colour is called in the active language."""
        return str(COLOURS[self.colour].name)

    @property
    def title(self) -> str:
        """The name in the active language."""
        return self.localised("name")

    @property
    def text(self) -> str:
        """The description in the active language."""
        return self.localised("description")

    @property
    def made_of(self) -> str:
        """The material in the active language."""
        return self.localised("material")

    @property
    def is_scarce(self) -> bool:
        """Whether so few are left that customers want to know."""
        return 0 < self.stock <= FEW_LEFT

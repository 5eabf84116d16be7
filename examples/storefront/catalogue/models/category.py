"""The category tree, kept as materialised paths: ``lighting/pendant-lamps``."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from origin.querysets import InvalidatingQuerySet

from ..localised import Localised


class CategoryQuerySet(InvalidatingQuerySet["Category"]):
    """Categories by their place in the tree."""

    def roots(self) -> CategoryQuerySet:
        """The top level, in the order of the navigation."""
        return self.filter(parent=None)

    def within(self, category: Category) -> CategoryQuerySet:
        """A category and all below it."""
        below = models.Q(path__startswith=f"{category.path}/")
        return self.filter(models.Q(pk=category.pk) | below)


class Category(Localised, models.Model):
    """A shelf of the shop."""

    # names stand in every page's navigation, which is a fragment, and on the pages of their own
    two_pass_groups = ("category:{pk}", "navigation")

    parent = models.ForeignKey(
        "self",
        models.PROTECT,
        verbose_name=_("parent"),
        null=True,
        blank=True,
        related_name="children",
    )
    slug = models.SlugField(_("slug"))
    path = models.CharField(_("path"), max_length=200, unique=True, editable=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    name = models.CharField(_("name"), max_length=80)
    name_de = models.CharField(_("name (German)"), max_length=80, blank=True)
    blurb = models.CharField(_("blurb"), max_length=240, blank=True)
    blurb_de = models.CharField(_("blurb (German)"), max_length=240, blank=True)
    artwork = models.CharField(_("artwork"), max_length=40, help_text=_("kind/colour-style"))

    objects = CategoryQuerySet.as_manager()

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ("position", "name")

    def __str__(self) -> str:
        return self.path

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store it; when its path changed, the paths below it follow."""
        self.path = f"{self.parent.path}/{self.slug}" if self.parent else self.slug
        with transaction.atomic():
            super().save(*args, **kwargs)
            for child in self.children.all():
                if child.path != f"{self.path}/{child.slug}":
                    child.parent = self
                    child.save()

    def get_absolute_url(self) -> str:
        """The listing."""
        return reverse("catalogue:category", kwargs={"path": self.path})

    def clean(self) -> None:
        """A category does not stand below itself."""
        ancestor = self.parent
        while ancestor is not None:
            if ancestor.pk == self.pk:
                raise ValidationError({"parent": _("A category cannot stand below itself.")})
            ancestor = ancestor.parent

    @property
    def title(self) -> str:
        """The name in the active language."""
        return self.localised("name")

    @property
    def description(self) -> str:
        """The blurb in the active language."""
        return self.localised("blurb")

    def lineage_paths(self) -> list[str]:
        """The paths from the root down to this category."""
        parts = self.path.split("/")
        return ["/".join(parts[: depth + 1]) for depth in range(len(parts))]

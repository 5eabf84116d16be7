"""Posts of the journal."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from origin.querysets import InvalidatingQuerySet

from ..catalogue.localised import Localised


class PostQuerySet(InvalidatingQuerySet["Post"]):
    """Posts by whether they may be read."""

    def published(self, now: datetime) -> PostQuerySet:
        """Those whose day has come."""
        return self.filter(published__lte=now)


class Post(Localised, models.Model):
    """A story from the workshop."""

    # its own page, and every list of posts
    two_pass_groups = ("post:{pk}", "posts")

    slug = models.SlugField(_("slug"), unique=True)
    title = models.CharField(_("title"), max_length=120)
    title_de = models.CharField(_("title (German)"), max_length=120, blank=True)
    teaser = models.CharField(_("teaser"), max_length=300)
    teaser_de = models.CharField(_("teaser (German)"), max_length=300, blank=True)
    body = models.TextField(_("text"))
    body_de = models.TextField(_("text (German)"), blank=True)
    author = models.CharField(_("author"), max_length=60)
    artwork = models.CharField(_("artwork"), max_length=40, help_text=_("kind/colour-style"))
    published = models.DateTimeField(_("published"), null=True, blank=True)

    objects = PostQuerySet.as_manager()

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        ordering = ("-published",)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The post's page."""
        return reverse("blog:post", kwargs={"slug": self.slug})

    @property
    def headline(self) -> str:
        """The title in the active language."""
        return self.localised("title")

    @property
    def introduction(self) -> str:
        """The teaser in the active language."""
        return self.localised("teaser")

    @property
    def text(self) -> str:
        """The text in the active language."""
        return self.localised("body")

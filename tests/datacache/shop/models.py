"""Shelves and shoes."""

from django.db import models

from origin.querysets import InvalidatingManager


class Size(models.TextChoices):
    """How large."""

    SMALL = "s"
    LARGE = "l"


class Named(models.Model):
    """What has a name."""

    name = models.CharField(max_length=20)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Shelf(Named):
    """Where shoes stand."""

    two_pass_groups = ("shelf:{pk}",)
    objects = InvalidatingManager()


class Shoe(Named):
    """Something for sale."""

    two_pass_groups = ("shoe:{pk}", "shelf:{shelf_id}")
    shelf = models.ForeignKey(Shelf, models.CASCADE, related_name="shoes")
    price = models.DecimalField(max_digits=8, decimal_places=2, default=1)
    size = models.CharField(max_length=1, choices=Size, default=Size.SMALL)
    notes = models.CharField(max_length=200, default="")
    objects = InvalidatingManager()


class Poster(Named):
    """Hangs above a shelf, or nowhere."""

    two_pass_groups = ("poster:{pk}", "posters:{shelf_id}")
    shelf = models.ForeignKey(Shelf, models.SET_NULL, null=True)
    objects = InvalidatingManager()


class Lace(Named):
    """What holds a shoe together."""

    two_pass_groups = ("lace:{pk}",)
    shoe = models.ForeignKey(Shoe, models.CASCADE, related_name="laces")
    objects = InvalidatingManager()


class Boot(Shoe):
    """A shoe of a table of its own."""

    height = models.IntegerField(default=0)
    objects = InvalidatingManager()


class LightShoe(Shoe):
    """The same rows, seen otherwise."""

    class Meta:
        proxy = True


class Plain(Named):
    """Says no groups."""

    tags = models.JSONField(default=list)


class Tag(Named):
    """What shoes are found by."""

    two_pass_groups = ("tag:{pk}",)
    shoes = models.ManyToManyField(Shoe, related_name="tags")
    objects = InvalidatingManager()

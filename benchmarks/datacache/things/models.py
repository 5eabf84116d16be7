"""One table, as a shop's products are."""

from django.db import models

from origin.querysets import InvalidatingManager


class Thing(models.Model):
    """Something with the fields of a product."""

    two_pass_groups = ("thing:{pk}",)

    name = models.CharField(max_length=80)
    text = models.TextField()
    price = models.DecimalField(max_digits=8, decimal_places=2)
    made = models.DateTimeField()

    objects = InvalidatingManager()

    class Meta:
        app_label = "things"

    def __str__(self) -> str:
        return self.name

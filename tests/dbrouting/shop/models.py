"""A shop small enough to break."""

from django.db import models

from dbrouting.querysets import ReplicaManager


class Product(models.Model):
    """Need not be fresh to the millisecond."""

    name = models.CharField(max_length=50)
    stock = models.IntegerField(default=0)

    reads_from_replica = True
    objects = ReplicaManager()

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.pk}"


class Order(models.Model):
    """Must be fresh, unless a queryset says otherwise."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="orders")
    amount = models.IntegerField(default=1)

    objects = ReplicaManager()

    class Meta:
        app_label = "shop"

    def __str__(self) -> str:
        return f"{type(self).__name__} {self.pk}"

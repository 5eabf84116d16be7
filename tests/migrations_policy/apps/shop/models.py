"""The shop as its code stands today; `Order.later` is what no migration of the tests has made."""

from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=50)
    email = models.TextField(null=True)  # noqa: DJ001

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    number = models.IntegerField()
    status = models.CharField(max_length=20, default="new")
    note = models.TextField(null=True)  # noqa: DJ001
    total = models.DecimalField(max_digits=10, decimal_places=2)
    customer = models.ForeignKey(Customer, models.CASCADE, null=True)
    later = models.IntegerField(null=True)

    def __str__(self) -> str:
        return str(self.number)

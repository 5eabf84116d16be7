"""Customers, who sign in by e-mail address, and the groups that give them their prices."""

from decimal import Decimal
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from origin.querysets import InvalidatingManager


class CustomerGroup(models.Model):
    """Customers who pay the list price less a discount."""

    # the prices of its customers hang on its discount
    two_pass_groups = ("customer_group:{pk}",)

    code = models.SlugField(_("code"), unique=True)
    name = models.CharField(_("name"), max_length=60)
    discount_percent = models.DecimalField(
        _("discount in per cent"),
        max_digits=4,
        decimal_places=1,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(90))],
    )

    objects = InvalidatingManager()

    class Meta:
        verbose_name = _("customer group")
        verbose_name_plural = _("customer groups")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class CustomerManager(BaseUserManager["Customer"]):
    """Creates customers by their e-mail address, which is compared without regard to case."""

    use_in_migrations = True

    def get_by_natural_key(self, username: str | None) -> "Customer":
        """The customer with this address. Raises Customer.DoesNotExist."""
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Customer":
        """Store a customer. Raises ValueError without an address."""
        if not email:
            raise ValueError("a customer needs an e-mail address")
        customer = self.model(email=email.strip().lower(), **fields)
        customer.set_password(password)
        customer.save(using=self._db)
        return customer

    def create_superuser(self, email: str, password: str, **fields: Any) -> "Customer":
        """Store a member of staff who may do everything."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Customer(AbstractUser):
    """Somebody with an account: a customer, or staff."""

    username = None  # type: ignore[assignment]
    email = models.EmailField(_("e-mail address"), unique=True)
    group = models.ForeignKey(
        CustomerGroup,
        models.SET_NULL,
        verbose_name=_("customer group"),
        null=True,
        blank=True,
        related_name="customers",
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[CustomerManager] = CustomerManager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(Lower("email"), name="accounts_customer_email_unique")
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def greeting_name(self) -> str:
        """How the shop addresses this customer."""
        return self.first_name or self.email.partition("@")[0]

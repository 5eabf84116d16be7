"""Exchange rates, kept by staff in the admin."""

from collections.abc import Mapping
from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from origin.datacache import cached
from origin.querysets import InvalidatingManager

from .currency import BASE, Currency


class ExchangeRate(models.Model):
    """How many units of a currency one euro buys."""

    # every page with a price on it
    two_pass_groups = ("prices",)

    code = models.CharField(_("currency"), max_length=3, unique=True)
    rate = models.DecimalField(
        _("units for one euro"),
        max_digits=10,
        decimal_places=5,
        validators=[MinValueValidator(Decimal("0.00001"))],
    )

    objects = InvalidatingManager()

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        ordering = ("code",)

    def __str__(self) -> str:
        return f"{self.code} {self.rate}"


@cached(max_age=3600, groups=("prices",))
def currencies() -> Mapping[str, Currency]:
    """Every currency the shop sells in, the base currency first."""
    rates = dict(ExchangeRate.objects.order_by("code").values_list("code", "rate"))
    rates.pop(BASE.code, None)
    return {BASE.code: BASE} | {code: Currency(code, rate) for code, rate in rates.items()}

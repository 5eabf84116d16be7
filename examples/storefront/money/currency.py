"""Money, pure: what an amount in euro is in another currency, and how it is written."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.utils import formats

CENT = Decimal("0.01")
SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$", "CHF": "CHF"}


@dataclass(frozen=True)
class Currency:
    """A currency and how many units of it one euro buys."""

    code: str
    rate: Decimal

    @property
    def symbol(self) -> str:
        """What stands beside an amount; the code where there is no sign for it."""
        return SYMBOLS.get(self.code, self.code)

    def convert(self, euro: Decimal) -> Decimal:
        """The amount in this currency, rounded half up to its cent."""
        return (euro * self.rate).quantize(CENT, ROUND_HALF_UP)

    def write(self, amount: Decimal) -> str:
        """An amount of this currency as the active language writes it."""
        number = formats.number_format(amount, decimal_pos=2, use_l10n=True, force_grouping=True)
        if formats.get_format("DECIMAL_SEPARATOR") == ",":
            return f"{number}\N{NO-BREAK SPACE}{self.symbol}"
        gap = "" if len(self.symbol) == 1 else "\N{NO-BREAK SPACE}"
        return f"{self.symbol}{gap}{number}"


BASE = Currency("EUR", Decimal(1))

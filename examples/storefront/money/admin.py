"""Exchange rates in the admin."""

from django.contrib import admin

from .models import ExchangeRate


@admin.register(ExchangeRate)
class ExchangeRateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rates, changed in the list."""

    list_display = ("code", "rate")
    list_editable = ("rate",)

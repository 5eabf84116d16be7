"""Orders in the admin: staff move them on, and do not rewrite them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from .models import Order, OrderLine


class OrderLines(admin.TabularInline):  # type: ignore[type-arg]
    """The lines of an order, to read."""

    model = OrderLine
    fields = readonly_fields = ("sku", "name", "quantity", "unit_price")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Orders are placed in the shop."""
        return False


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Orders by date, moved on in the list."""

    list_display = ("number", "placed", "customer", "total", "currency_code", "status")
    list_editable = ("status",)
    list_filter = ("status", "currency_code", "placed")
    list_select_related = ("customer",)
    search_fields = ("customer__email", "name", "lines__sku")
    date_hierarchy = "placed"
    readonly_fields = ("customer", "placed", "currency_code", "rate", "total")
    inlines = (OrderLines,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Orders are placed in the shop."""
        return False

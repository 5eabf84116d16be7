"""Customers and their groups in the admin."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.utils.translation import gettext_lazy as _

from .models import Customer, CustomerGroup


class NewCustomerForm(AdminUserCreationForm):
    """The admin's first step of a new customer, by e-mail address."""

    class Meta:
        model = Customer
        fields = ("email",)


@admin.register(Customer)
class CustomerAdmin(UserAdmin):  # type: ignore[type-arg]
    """Customers, found by address, sorted by it, filtered by group."""

    add_form = NewCustomerForm
    ordering = ("email",)
    list_display = ("email", "first_name", "last_name", "group", "is_staff")
    list_filter = ("group", "is_staff", "is_active")
    search_fields = ("email", "first_name", "last_name")
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "group")}),
        (
            _("Permissions"),
            {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
        ),
        (_("Important dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("email", "usable_password", "password1", "password2"),
            },
        ),
    )


@admin.register(CustomerGroup)
class CustomerGroupAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Groups with their discount."""

    list_display = ("name", "code", "discount_percent")
    prepopulated_fields = {"code": ("name",)}

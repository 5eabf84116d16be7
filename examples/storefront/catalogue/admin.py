"""The catalogue in the admin; prices and stock are changed in the list."""

from django.contrib import admin

from .models import Category, Collection, GroupPrice, Product, Review


class GroupPrices(admin.TabularInline):  # type: ignore[type-arg]
    """The prices agreed with groups, on the product's page."""

    model = GroupPrice
    extra = 0


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Products, found by name or number."""

    list_display = ("name", "sku", "price", "stock", "is_active")
    list_editable = ("price", "stock", "is_active")
    list_filter = ("is_active", "category", "collection", "colour")
    list_per_page = 50
    search_fields = ("name", "name_de", "sku")
    prepopulated_fields = {"slug": ("name",)}
    inlines = (GroupPrices,)
    readonly_fields = ("rating_average", "rating_count")


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """The category tree."""

    list_display = ("path", "name", "name_de", "position")
    list_editable = ("position",)
    ordering = ("path",)


@admin.register(Collection)
class CollectionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Collections."""

    list_display = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Reviews, to be taken down where they have to be."""

    list_display = ("title", "product", "author", "stars", "created")
    list_filter = ("stars", "language")
    list_select_related = ("product",)
    search_fields = ("title", "body", "author", "product__name")
    raw_id_fields = ("product", "customer")

    def delete_queryset(self, request: object, queryset: object) -> None:
        """One by one, so that each product's average follows."""
        for review in queryset:  # type: ignore[attr-defined]
            review.delete()

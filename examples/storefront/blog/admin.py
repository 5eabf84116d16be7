"""Posts in the admin."""

from django.contrib import admin

from .models import Post


@admin.register(Post)
class PostAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Posts by date."""

    list_display = ("title", "author", "published")
    search_fields = ("title", "title_de")
    prepopulated_fields = {"slug": ("title",)}
    date_hierarchy = "published"

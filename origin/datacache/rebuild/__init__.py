"""Rebuilding everything: which pages there are, in which order, and how they are made anew.

# shop/rebuild.py: modules of this name are found in every installed app
from origin.datacache.rebuild import Page, page_source

@page_source("products", after=("categories",), preload=load_products)
def products():
    for pk, slug in Product.objects.values_list("pk", "slug"):
        yield Page(f"/product/{slug}/", key=pk, groups=(f"product:{pk}",))
"""

from .sources import Page, page_source, sitemap_source

__all__ = ["Page", "page_source", "sitemap_source"]

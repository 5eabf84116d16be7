"""All URLs: pages below ``/en/`` and ``/de/``, the rest once."""

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from .catalogue.views import Seen
from .pages.assets import Artwork, Healthy, Robots, StaticAsset

admin.site.site_header = "Lumen & Loam"
admin.site.site_title = "Lumen & Loam"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("art/<slug:kind>/<slug:colour>-<int:style>.svg", Artwork.as_view(), name="artwork"),
    path("static/<path:path>", StaticAsset.as_view(), name="static_asset"),
    path("seen/<int:pk>/", Seen.as_view(), name="seen"),
    path("healthz", Healthy.as_view(), name="healthy"),
    path("robots.txt", Robots.as_view(), name="robots"),
    *i18n_patterns(
        path("", include("examples.storefront.pages.urls")),
        path("", include("examples.storefront.catalogue.urls")),
        path("journal/", include("examples.storefront.blog.urls")),
        path("basket/", include("examples.storefront.basket.urls")),
        path("account/", include("examples.storefront.accounts.urls")),
        path("orders/", include("examples.storefront.orders.urls")),
    ),
]

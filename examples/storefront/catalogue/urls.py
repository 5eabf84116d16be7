"""URLs of categories, products and searches."""

from django.urls import path

from . import views

app_name = "catalogue"
urlpatterns = [
    path("c/<path:path>/", views.CategoryPage.as_view(), name="category"),
    path("p/<slug:slug>/", views.ProductPage.as_view(), name="product"),
    path("p/<slug:slug>/review/", views.WriteReview.as_view(), name="review"),
    path("search/", views.SearchPage.as_view(), name="search"),
]

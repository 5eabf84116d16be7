"""URLs below ``basket/``."""

from django.urls import path

from . import views

app_name = "basket"
urlpatterns = [
    path("", views.BasketPage.as_view(), name="basket"),
    path("add/", views.AddToBasket.as_view(), name="add"),
    path("change/", views.ChangeBasket.as_view(), name="change"),
]

"""URLs below ``orders/``."""

from django.urls import path

from . import views

app_name = "orders"
urlpatterns = [
    path("", views.History.as_view(), name="history"),
    path("checkout/", views.Checkout.as_view(), name="checkout"),
    path("<int:pk>/", views.OrderPage.as_view(), name="order"),
]

"""URLs of the home page, pages of text, and the visitor's choices."""

from django.urls import path

from . import views

app_name = "pages"
urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    path("about/", views.About.as_view(), name="about"),
    path("delivery/", views.Delivery.as_view(), name="delivery"),
    path("currency/<slug:code>/", views.SwitchCurrency.as_view(), name="currency"),
    path("consent/", views.Consent.as_view(), name="consent"),
]

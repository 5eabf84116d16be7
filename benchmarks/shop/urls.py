"""The storefront's URLs, and one for scripts."""

from django.urls import path

from examples.storefront.urls import urlpatterns as storefront

from .own import own

urlpatterns = [path("own/", own), *storefront]

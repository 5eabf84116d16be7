"""URLs of the benchmarks' site."""

from django.urls import path

from .views import page

urlpatterns = [path("page/<int:number>/", page)]

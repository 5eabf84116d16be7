"""URLs below ``journal/``."""

from django.urls import path

from . import views

app_name = "blog"
urlpatterns = [
    path("", views.Journal.as_view(), name="journal"),
    path("<slug:slug>/", views.PostPage.as_view(), name="post"),
]

"""The shop's URLs."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.urls import path
from django.views.generic import TemplateView

from origin import two_pass

from . import renderers, views

urlpatterns = [
    path("product/<int:pk>/", views.ProductView.as_view()),
    path("method/", views.MethodView.as_view()),
    path("urlconf/", two_pass(max_age=60)(views.PlainView.as_view())),
    path("function/", views.function),
    path("async/", views.asynchronous),
    path("async-class/", views.AsyncClassView.as_view()),
    path("fragments/<str:names>/", views.with_fragments),
    path("cached/", views.cached),
    path("nosy/", views.nosy),
    path("nosy-template/", views.NosyTemplateView.as_view()),
    path("swallowed/", views.swallowed),
    path("evaluates/<str:what>/", views.evaluates),
    path("varied/", views.varied),
    path("members/", views.MembersView.as_view()),
    path("club/", views.club),
    path("backroom/", views.backroom),
    path("missing/", views.missing),
    path("failing/", views.failing),
    path("streamed/<int:size>/", views.streamed),
    path("sets-cookie/", views.sets_cookie),
    path("stray/", views.stray),
    path("varies/", views.varies),
    path("picky/", views.picky),
    path("moved/", views.moved),
    path("unmarked/", views.unmarked),
    path("dated/", views.dated),
    path("for-machines/<path:kind>", views.for_machines),
    path("shareable/", views.shareable),
    path("marked-shareable/", views.marked_shareable),
    path("undeclared/", views.undeclared),
    path("jinja/", views.jinja),
    path(
        "unprefixed-story/",
        two_pass(max_age=60)(TemplateView.as_view(template_name="shop/story.html")),
    ),
    path("markup/", views.markup),
    path("echo/", views.echo),
    path("echo-host/", views.echo_host),
    path("titled/<str:title>", views.titled),
    path("scripted/", views.scripted),
    path("secured/", views.secured),
    path("login/", views.sign_in),
    path("logout/", views.sign_out),
    path("add/", views.add),
    path("beacon/", views.beacon),
    path("comment/", views.comment),
    path("late/", views.late),
    *i18n_patterns(
        path(
            "story/",
            two_pass(max_age=60)(TemplateView.as_view(template_name="shop/story.html")),
        ),
    ),
]

assert renderers

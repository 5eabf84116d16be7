"""URLs of the benchmarks' site."""

from django.urls import path

from . import views

urlpatterns = [
    path("page/<int:number>/", views.page),
    path("personal/<int:count>/", views.personal),
    path("personal/<int:count>/<int:kilobytes>/", views.personal),
    path("slow/<int:count>/", views.slow),
    path("slow_sync/<int:count>/", views.slow_sync),
    path("forms/", views.forms),
    path("live/", views.live),
    path("login/<int:number>/", views.login),
    path("count/", views.count),
    path("part/own/<int:number>/", views.own_view),
    path("part/own/all/<int:count>/", views.all_own_view),
    path("part/slow/<int:number>/", views.slow_view),
]

from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from . import views

urlpatterns = [
    path("healthz", login_not_required(lambda request: HttpResponse("ok"))),
    path("page/<slug:name>/", views.Page.as_view()),
    path("htmx/", views.Htmx.as_view()),
    path("cached-form/", views.CachedForm.as_view()),
    path("plain-form/", views.PlainCachedForm.as_view()),
    path("members/", views.Members.as_view()),
    path("gated/", views.Gated.as_view()),
    path("leaky/", views.Leaky.as_view()),
    path("broken/", views.Broken.as_view()),
    path("slow/", views.Slow.as_view()),
    path("echo/", csrf_exempt(views.Echo.as_view())),
    path("download/", views.Download.as_view()),
    path("beacon/", csrf_exempt(views.beacon)),
    path("change/", csrf_exempt(views.change)),
    path("login/", auth.LoginView.as_view(template_name="login.html")),
    path("logout/", csrf_exempt(auth.LogoutView.as_view())),
]

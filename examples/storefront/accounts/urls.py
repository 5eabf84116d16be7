"""URLs below ``account/``."""

from django.urls import path

from . import views

app_name = "accounts"
urlpatterns = [
    path("", views.Account.as_view(), name="account"),
    path("login/", views.LogIn.as_view(), name="login"),
    path("logout/", views.LogOut.as_view(), name="logout"),
    path("sign-up/", views.SignUp.as_view(), name="sign_up"),
    path("password/", views.ChangePassword.as_view(), name="change_password"),
]

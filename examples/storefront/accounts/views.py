"""Signing up, in and out, and the customer's own page."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.auth.views import (
    LoginView,
    LogoutView,
    PasswordChangeView,
    RedirectURLMixin,
)
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext as _
from django.views.generic import CreateView, UpdateView

from ..pages.redirects import page_that_sent
from .forms import DetailsForm, LogInForm, SignUpForm
from .models import Customer


class LogIn(LoginView):
    """The log-in page; customers who are in already go on."""

    authentication_form = LogInForm
    redirect_authenticated_user = True
    template_name = "accounts/login.html"

    def get_redirect_url(self) -> str:
        """Where the form says; else where the visitor came from.

        The link to this page stands in a fragment that all pages share, so it cannot name one.
        """
        asked = super().get_redirect_url()
        sender = "" if asked else page_that_sent(self.request)
        # back to the log-in page itself, or to signing up, would be a circle
        return asked or ("" if sender.startswith(reverse("accounts:account")) else sender)

    def form_valid(self, form: Any) -> HttpResponse:
        """Log in and say hello."""
        response = super().form_valid(form)
        name = form.get_user().greeting_name
        messages.success(self.request, _("Welcome back, %(name)s.") % {"name": name})
        return response


class LogOut(LogoutView):
    """Logs out on POST."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session, then say so in the new one."""
        response = super().post(request, *args, **kwargs)
        messages.info(request, _("You are logged out. See you soon."))
        return response


class SignUp(RedirectURLMixin, CreateView):  # type: ignore[type-arg]
    """Opens an account and logs its owner in."""

    form_class = SignUpForm
    template_name = "accounts/sign_up.html"

    def get_default_redirect_url(self) -> str:
        """Home, where nothing else was asked for."""
        return reverse("pages:home")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Customers who are in already have an account."""
        if request.user.is_authenticated:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        """Store the customer and log them in."""
        customer = form.save()
        login(self.request, customer, backend="django.contrib.auth.backends.ModelBackend")
        name = customer.greeting_name
        messages.success(
            self.request, _("Welcome, %(name)s. Your account is ready.") % {"name": name}
        )
        return redirect(self.get_success_url())


class Account(LoginRequiredMixin, UpdateView):  # type: ignore[type-arg]
    """The customer's own details."""

    form_class = DetailsForm
    template_name = "accounts/account.html"
    success_url = reverse_lazy("accounts:account")

    def get_object(self, queryset: Any = None) -> Customer:
        """Always the customer who asks."""
        return self.request.user  # type: ignore[return-value]

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the details."""
        messages.success(self.request, _("Your details are saved."))
        return super().form_valid(form)


class ChangePassword(PasswordChangeView):
    """Changes the password; sessions elsewhere end."""

    template_name = "accounts/change_password.html"
    success_url = reverse_lazy("accounts:account")

    def form_valid(self, form: Any) -> HttpResponse:
        """Store the password."""
        messages.success(self.request, _("Your password is changed."))
        return super().form_valid(form)

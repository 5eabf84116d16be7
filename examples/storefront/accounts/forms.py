"""Forms for signing up and in."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm
from django.utils.translation import gettext_lazy as _

from .models import Customer


class SignUpForm(BaseUserCreationForm):  # type: ignore[type-arg]
    """Name, address and password of a new customer."""

    class Meta:
        model = Customer
        fields = ("first_name", "last_name", "email")
        widgets = {
            "first_name": forms.TextInput(attrs={"autocomplete": "given-name"}),
            "last_name": forms.TextInput(attrs={"autocomplete": "family-name"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["first_name"].required = True

    def clean_email(self) -> str:
        """Addresses are unique without regard to case."""
        email = str(self.cleaned_data["email"]).strip().lower()
        if Customer.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(_("There is an account with this address. Log in instead."))
        return email


class LogInForm(AuthenticationForm):
    """Log in by e-mail address."""

    username = forms.EmailField(
        label=_("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
    )


class DetailsForm(forms.ModelForm):  # type: ignore[type-arg]
    """What customers may change about themselves."""

    class Meta:
        model = Customer
        fields = ("first_name", "last_name")
        widgets = {
            "first_name": forms.TextInput(attrs={"autocomplete": "given-name"}),
            "last_name": forms.TextInput(attrs={"autocomplete": "family-name"}),
        }

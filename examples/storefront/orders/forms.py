"""The checkout form."""

from django import forms
from django.utils.translation import gettext_lazy as _

COUNTRIES = (
    ("DE", _("Germany")),
    ("AT", _("Austria")),
    ("CH", _("Switzerland")),
    ("NL", _("Netherlands")),
    ("GB", _("United Kingdom")),
    ("US", _("United States")),
)


class CheckoutForm(forms.Form):
    """Where an order goes, and the total that the page beside the form showed."""

    name = forms.CharField(label=_("Name"), max_length=120)
    street = forms.CharField(label=_("Street and number"), max_length=120)
    postcode = forms.CharField(label=_("Postcode"), max_length=12)
    city = forms.CharField(label=_("Town"), max_length=80)
    country = forms.ChoiceField(label=_("Country"), choices=COUNTRIES)
    shown_total = forms.DecimalField(widget=forms.HiddenInput, max_digits=12, decimal_places=2)

    name.widget.attrs["autocomplete"] = "name"
    street.widget.attrs["autocomplete"] = "street-address"
    postcode.widget.attrs["autocomplete"] = "postal-code"
    city.widget.attrs["autocomplete"] = "address-level2"
    country.widget.attrs["autocomplete"] = "country"

"""What the add-to-basket and change-quantity forms send."""

from django import forms

from ..catalogue.models import Product
from .contents import MOST_PIECES


class BasketForm(forms.Form):
    """A product and how many of it."""

    product = forms.ModelChoiceField(Product.objects.listed())
    quantity = forms.IntegerField(min_value=0, max_value=MOST_PIECES)

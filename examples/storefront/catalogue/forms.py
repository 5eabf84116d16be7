"""The review form."""

from django import forms
from django.utils.translation import gettext_lazy as _

from .models import Review

STARS = [(stars, "★" * stars) for stars in range(5, 0, -1)]


class ReviewForm(forms.ModelForm):  # type: ignore[type-arg]
    """Stars, headline and text."""

    stars = forms.TypedChoiceField(label=_("Stars"), coerce=int, choices=STARS)

    class Meta:
        model = Review
        fields = ("stars", "title", "body")
        widgets = {"body": forms.Textarea(attrs={"rows": 4, "maxlength": 2000})}

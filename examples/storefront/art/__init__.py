"""The shop's artwork, pure: every product's picture is drawn from its kind, colour and style."""

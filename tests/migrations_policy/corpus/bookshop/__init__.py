"""A bookshop that grew without anyone looking at its migrations."""

"""Release stages and the gates before them."""

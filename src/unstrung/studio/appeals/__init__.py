"""Appeals: decisions are heard again by somebody who had no part in them."""

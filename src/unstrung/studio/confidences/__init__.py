"""What people are asked to keep to themselves: one item at a time, until a day, with exceptions that stay."""

"""Charts of others: what is in them, what they render to, and what they bring beside it."""

"""What identity providers vouch for: their keys, their tokens, and which roles follow from the claims."""

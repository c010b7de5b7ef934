"""The steps of a Pipeline, one module each: takes the value of the one before, returns the next."""

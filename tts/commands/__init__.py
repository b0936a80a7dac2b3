"""Commands of `speech` that speak."""

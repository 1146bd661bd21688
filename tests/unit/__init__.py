"""Pure tests, no services."""

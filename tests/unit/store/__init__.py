"""drbot's own state."""

"""The survey and the plan that comes of it."""

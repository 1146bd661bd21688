"""A run, step by step: when a step starts, what lets it, how it ends."""

"""Runs, and the parts of a run that are done elsewhere."""

"""Whole incidents, end to end."""

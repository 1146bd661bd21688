"""Calling Slack: its limits, its refusals, and the values it hands back."""

"""A small local Slack, as strict as the real one where a bot can go wrong."""

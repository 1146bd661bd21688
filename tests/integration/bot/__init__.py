"""The bot against the local Slack, with the real store."""

"""The local Slack, proven with Slack's own SDK and Bolt."""

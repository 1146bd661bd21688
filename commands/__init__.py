"""One module per verb of /dr; no Slack, no Docker."""

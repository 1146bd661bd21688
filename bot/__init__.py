"""The Slack side: listeners, blocks, publisher, ticker."""

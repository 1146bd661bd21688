"""drbot: disaster recovery from Slack. One import name for everything; CONTRIBUTING.md shows the floors."""

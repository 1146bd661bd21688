"""Everything Slack delivers; routes.py says who takes it."""

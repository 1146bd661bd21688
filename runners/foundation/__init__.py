"""What everything of a worker stands on: permits, locks, its own record, its settings."""

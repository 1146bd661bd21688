"""What a worker looks after beside its runs."""

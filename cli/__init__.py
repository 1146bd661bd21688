"""The drbot command."""

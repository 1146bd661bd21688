"""The lab on a real Docker engine."""

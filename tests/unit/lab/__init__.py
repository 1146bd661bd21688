"""The lab without Docker."""

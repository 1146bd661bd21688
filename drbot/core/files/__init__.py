"""Runbooks as files: read, linted, refused with file and line."""

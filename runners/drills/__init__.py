"""Drills: a copy of the system in an engine of its own, broken and recovered by the runbooks of the real thing."""

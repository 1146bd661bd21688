"""Dumps of many shapes on a real PostgreSQL."""

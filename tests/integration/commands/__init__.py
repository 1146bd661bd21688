"""Every verb against a real SQLite store."""

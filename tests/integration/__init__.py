"""Tests on real services."""

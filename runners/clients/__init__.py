"""The tools that actions use."""

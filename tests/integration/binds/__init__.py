"""Data in folders of the host that compose files mount."""

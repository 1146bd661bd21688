"""Incidents, plans, runs and their steps; what is at stake and how it stands."""

"""Runbooks, the actions they name, and what each action may do."""

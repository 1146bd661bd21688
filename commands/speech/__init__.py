"""The words of verbs and events, and how what was typed is read."""

"""One incident for people: its view, what can be done, its events, a vote's form, the report."""

"""What the source document's scripts do wrong, shown on real servers, and that drbot does it right."""

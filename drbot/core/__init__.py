"""Words and rules of drbot: pure, no I/O."""

"""The worker on the real store, with a harmless target in memory."""

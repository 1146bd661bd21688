"""Redis as people run it: whatever its compose file looks like, every key comes back, or a recovery says why not."""

"""drbot's own state: copied to a bucket, and brought back from there."""

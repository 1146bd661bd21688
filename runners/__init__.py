"""The worker: claims runs and executes their steps."""

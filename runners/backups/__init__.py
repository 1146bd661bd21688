"""Making backups, and choosing a good one."""

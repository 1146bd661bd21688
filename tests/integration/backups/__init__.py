"""Full backups on a real S3 API, with its faults."""

"""dr.yml: the system, its sites, its people, what is backed up, and what a host holds."""

"""What people read: sentences of the catalogue, their languages, and the small formats every surface shares."""

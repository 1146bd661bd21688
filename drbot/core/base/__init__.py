"""What every room stands on: errors, names, keys, YAML with its lines."""

"""The specification of drbot."""

"""What level 4 does around the system: machines, names, certificates. No Docker."""

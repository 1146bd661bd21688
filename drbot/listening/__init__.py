"""What others reach drbot by over HTTP: the listener itself, and how drbot is watched."""

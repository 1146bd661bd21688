"""One-time codes, how often one may be guessed, and the token of a new machine."""

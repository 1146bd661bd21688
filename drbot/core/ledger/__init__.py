"""What happened, chained and signed, and who may say so."""

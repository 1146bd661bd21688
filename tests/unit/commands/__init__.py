"""Commands as specifications: grammar, words, reports; no service needed."""

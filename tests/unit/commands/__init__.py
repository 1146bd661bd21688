"""Commands as specifications: parser, words, reports; no service needed."""

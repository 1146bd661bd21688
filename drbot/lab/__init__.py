"""The document's system in miniature on real Docker, to break and to recover."""

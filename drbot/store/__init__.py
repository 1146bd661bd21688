"""SQL: the queue of record and the ledger."""

"""The database: its schema, its transactions, the ledger, keys, the doorbell."""

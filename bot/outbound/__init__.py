"""From the ledger to Slack: what is posted, drawn and rung."""

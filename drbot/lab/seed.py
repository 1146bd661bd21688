"""Rows by the megabyte, so that a recovery has something to carry."""

from drbot.lab.system import Lab

ROW_BYTES = 1100  # of one document in a dump

# Words compress like prose, base64 does not: together to four tenths. The pool of
# chunks is larger than gzip's window, so that repeating them does not help.
SCRIPT = """
SET synchronous_commit = off;
CREATE TEMPORARY TABLE chunks AS
SELECT number, (
    SELECT string_agg(encode(sha256(convert_to(random()::text || number || part, 'UTF8')), 'base64'), ' ')
    FROM generate_series(1, 5) AS part
) || (
    SELECT string_agg((ARRAY['the', 'invoice', 'of', 'customer', 'was', 'approved', 'on', 'delivery', 'contract',
        'and', 'returned', 'signature', 'meeting', 'minutes', 'draft', 'archive']
    )[1 + (random() * 15)::int + 0 * (number + part)], ' ')
    FROM generate_series(1, 42) AS part
) AS text
FROM generate_series(0, 4095) AS number;
ANALYZE chunks;
INSERT INTO documents (owner_id, title, body)
SELECT 1 + i % 5000, 'Document ' || i, a.text || ' ' || b.text
FROM generate_series(1, :rows) AS i
JOIN chunks AS a ON a.number = i * 7919::bigint % 4096
JOIN chunks AS b ON b.number = (i * 104729::bigint + i / 4096) % 4096;
ANALYZE documents;
SELECT count(*) FROM documents;
"""


def seed(lab: Lab, megabytes: int) -> int:
    """Add documents worth about this many megabytes of SQL dump. Returns how many there are now. Raises UserError."""
    rows = megabytes * 1_000_000 // ROW_BYTES
    return int(lab.psql(SCRIPT, "-d", "admindb", "-v", f"rows={rows}").split()[-1])

-- The test's own checksums, for psql in one database: every table and view that holds rows, and what rows alone do not show.
SELECT 'set', 0, set_config('extra_float_digits', '3', false) || set_config('timezone', 'UTC', false) || set_config('row_security', 'off', false);
SELECT format('SELECT %L, count(*), md5(coalesce(string_agg(t::text, %L ORDER BY t::text), %L)) FROM ONLY %s AS t',
    c.oid::regclass, E'\n', '', c.oid::regclass)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE (c.relkind = 'r' OR c.relkind = 'm' AND c.relispopulated) AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 1
\gexec
SELECT 'large object ' || oid, length(lo_get(oid)), md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY oid;
SELECT 'sequence ' || schemaname || '.' || sequencename, coalesce(last_value, -1), increment_by FROM pg_sequences ORDER BY 1;
SELECT 'policy ' || policyname, 0, tablename || coalesce(qual, '') FROM pg_policies ORDER BY 1, 3;
SELECT 'trigger ' || tgname, 0, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 3;
SELECT 'event trigger ' || evtname, 0, evtevent FROM pg_event_trigger ORDER BY 1;
SELECT 'publication ' || pubname, 0, puballtables::text FROM pg_publication ORDER BY 1;
SELECT 'constraint ' || conname, 0, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid > 0 ORDER BY 1, 3;
SELECT 'index ' || indexname, 0, indexdef || coalesce(tablespace, '') FROM pg_indexes WHERE schemaname NOT LIKE 'pg_%' ORDER BY 1, 3;
SELECT 'owner ' || oid::regclass, 0, concat(relowner::regrole, relrowsecurity, relforcerowsecurity, relpersistence) FROM pg_class
WHERE relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1;
SELECT 'column ' || attrelid::regclass || '.' || attname, 0, concat(format_type(atttypid, atttypmod), attidentity, attgenerated, attnotnull)
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'm', 'v')
    AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema') ORDER BY 1;
SELECT 'encoding', 0, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database();

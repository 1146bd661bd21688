-- One line for each thing that a database holds: `name = digest`.
SET search_path = pg_catalog;
SET TimeZone = 'UTC';
SELECT format(
    'SELECT %L || count(*) || '' rows '' || md5(coalesce(string_agg(one::text, E''\n'' ORDER BY one::text COLLATE "C"), '''')) FROM ONLY %s AS one',
    'rows of ' || c.oid::regclass || ' = ', c.oid::regclass)
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
 WHERE relkind IN ('r', 'm') AND nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)' AND relpersistence <> 't'
\gexec
SELECT 'columns of ' || attrelid::regclass || ' = ' || md5(string_agg(concat_ws(' ', attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid)), ',' ORDER BY attnum))
  FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = relnamespace
 WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'p', 'v', 'm') AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
 GROUP BY attrelid;
SELECT 'sequence ' || schemaname || '.' || sequencename || ' = ' || coalesce(last_value::text, '-') FROM pg_sequences;
SELECT 'constraint ' || conname || ' of ' || conrelid::regclass || ' = ' || pg_get_constraintdef(c.oid)
  FROM pg_constraint c JOIN pg_namespace n ON n.oid = connamespace WHERE conrelid <> 0 AND nspname NOT IN ('pg_catalog', 'information_schema');
SELECT 'index ' || indexrelid::regclass || ' = ' || pg_get_indexdef(indexrelid)
  FROM pg_index JOIN pg_class c ON c.oid = indexrelid JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname NOT IN ('pg_catalog', 'pg_toast');
SELECT 'view ' || schemaname || '.' || viewname || ' = ' || md5(definition) FROM pg_views WHERE schemaname NOT IN ('pg_catalog', 'information_schema');
SELECT 'function ' || p.oid::regprocedure || ' = ' || md5(prosrc) FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
 WHERE nspname NOT IN ('pg_catalog', 'information_schema');
SELECT 'owner and rights of ' || c.oid::regclass || ' = ' || relowner::regrole || ' ' || coalesce(relacl::text, '')
  FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind IN ('r', 'p', 'v', 'm', 'S') AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast');
SELECT 'large object ' || oid || ' = ' || md5(lo_get(oid)) FROM pg_largeobject_metadata;
SELECT 'extension ' || extname || ' = ' || extversion FROM pg_extension;
SELECT 'database = ' || concat_ws(' ', pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit) FROM pg_database WHERE datname = current_database();
SELECT 'settings of ' || coalesce(r.rolname, '') || ' = ' || setconfig::text
  FROM pg_db_role_setting LEFT JOIN pg_roles r ON r.oid = setrole LEFT JOIN pg_database d ON d.oid = setdatabase
 WHERE datname = current_database() OR setdatabase = 0;
SELECT 'role ' || rolname || ' = ' || concat_ws(' ', rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolreplication, md5(coalesce(rolpassword, '')))
  FROM pg_authid WHERE rolname !~ '^pg_';

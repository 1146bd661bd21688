-- Rows as they come: names in many scripts, NULL, bytes, arrays, JSON, a partitioned table, a large object, rights.
CREATE TABLE people (
    id serial PRIMARY KEY, name text NOT NULL UNIQUE, joined timestamptz DEFAULT '2026-11-30 12:00+00', photo bytea, tags text[], more jsonb
);
INSERT INTO people (name, photo, tags, more)
SELECT '山田 ' || n, decode(md5(n::text), 'hex'), ARRAY['a', NULL, '"'], jsonb_build_object('n', n, 'quote', E'it''s \\ "here"')
  FROM generate_series(1, 300) AS n;
INSERT INTO people (name) VALUES (''), (E'tab\tand\nline'), ('\.'), ('Ünïcödé 😀');
CREATE TABLE "Orders ""2026""" (id bigint GENERATED ALWAYS AS IDENTITY, person int REFERENCES people, amount numeric(12, 2), total numeric GENERATED ALWAYS AS (amount * 2) STORED);
INSERT INTO "Orders ""2026""" (person, amount) SELECT 1 + n % 300, n * 1.25 FROM generate_series(1, 500) AS n;
CREATE SCHEMA archive;
CREATE TABLE archive.events (at date NOT NULL, what text) PARTITION BY RANGE (at);
CREATE TABLE archive.events_2025 PARTITION OF archive.events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE archive.events_2026 PARTITION OF archive.events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO archive.events SELECT date '2025-06-01' + n, 'event ' || n FROM generate_series(1, 400) AS n;
CREATE MATERIALIZED VIEW archive.by_month AS SELECT date_trunc('month', at) AS month, count(*) FROM archive.events GROUP BY 1;
CREATE FUNCTION archive.twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE INDEX people_by_twice ON people (archive.twice(id));
CREATE TABLE empty_one (id int);
SELECT lo_from_bytea(0, 'a large object');
DO $$ BEGIN CREATE ROLE reporting LOGIN PASSWORD 'only reads'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
ALTER ROLE reporting SET statement_timeout = '5s';
GRANT SELECT ON people TO reporting;
-- After a crash, and a copy of a running server looks like one, a sequence goes on up to 32 numbers further, except
-- where its last number is in a checkpoint.
CHECKPOINT;

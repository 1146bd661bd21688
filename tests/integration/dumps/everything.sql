-- One of everything that a table can be, for test_everything.py. Runs in the database "everything".
CREATE SCHEMA "Odd Schema";
CREATE TYPE mood AS ENUM ('calm', 'loud');
CREATE DOMAIN email AS text CHECK (VALUE LIKE '%@%');
CREATE TYPE pair AS (a int, b text);
CREATE TABLE kinds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text COLLATE "C", mail email, how mood, both_of pair,
    amount numeric, half float8, raw bytea, doc jsonb, at timestamptz, took interval, words tsvector, list int[],
    twice numeric GENERATED ALWAYS AS (amount * 2) STORED
);
INSERT INTO kinds (name, mail, how, both_of, amount, half, raw, doc, at, took, words, list)
SELECT E'日本 \t\n\\ "' || i, i || '@example.com', 'calm', (i::int, 'x'::text)::pair, i / 7.0, i / 3.0::float8, decode(md5(i::text), 'hex'),
    jsonb_build_object('a', i), '2026-01-01'::timestamptz + i * interval '1 day', i * interval '1 hour',
    to_tsvector('simple', 'word ' || i), ARRAY[i, NULL, i + 1]
FROM generate_series(1, 500) AS i;
INSERT INTO kinds (name, amount, half) VALUES (NULL, 'NaN', 'Infinity'), ('', 0, '-0');
CREATE TABLE "Odd Schema"."Odd.Table ""q""" ("Odd Column" text, "select" int);
INSERT INTO "Odd Schema"."Odd.Table ""q""" VALUES (E'\\.', 1), ('\connect', 2);

CREATE TABLE guarded (id int PRIMARY KEY, owner text);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE guarded FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON guarded USING (owner = current_user);
ALTER TABLE guarded OWNER TO app;
INSERT INTO guarded SELECT i, 'somebody' FROM generate_series(1, 50) AS i;

CREATE TABLE triggered (id int PRIMARY KEY, changed int DEFAULT 0);
CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed := NEW.changed + 1; RETURN NEW; END $$;
CREATE TRIGGER change BEFORE INSERT OR UPDATE ON triggered FOR EACH ROW EXECUTE FUNCTION change();
INSERT INTO triggered SELECT i FROM generate_series(1, 50) AS i;
CREATE TABLE logged (id int REFERENCES triggered, what text);
CREATE RULE log AS ON UPDATE TO triggered DO ALSO INSERT INTO logged VALUES (NEW.id, 'changed');
UPDATE triggered SET changed = 5 WHERE id < 10;
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'seen'; END $$;


CREATE SEQUENCE counted START 100 INCREMENT 7;
SELECT nextval('counted') FROM generate_series(1, 9);
CREATE TABLE numbered (id serial, x int);
INSERT INTO numbered (x) SELECT i FROM generate_series(1, 30) AS i;

CREATE UNLOGGED TABLE unlogged (x int);
INSERT INTO unlogged SELECT i FROM generate_series(1, 100) AS i;

CREATE TABLE parted (k int, v text) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1) PARTITION BY HASH (v);
CREATE TABLE parted_1_0 PARTITION OF parted_1 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE parted_1_1 PARTITION OF parted_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT i % 3, md5(i::text) FROM generate_series(1, 300) AS i;
CREATE TABLE parent (x int, y int);
CREATE TABLE child (z int) INHERITS (parent);
INSERT INTO parent VALUES (1, 2);
INSERT INTO child VALUES (3, 4, 5);

CREATE MATERIALIZED VIEW summed AS SELECT k, count(*) AS n FROM parted GROUP BY k;
CREATE MATERIALIZED VIEW later AS SELECT * FROM summed WITH NO DATA;
CREATE VIEW shown AS SELECT * FROM summed;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE PUBLICATION few FOR TABLE kinds (id, name) WHERE (id > 10);

CREATE TABLE inside (x int) TABLESPACE inside;
INSERT INTO inside SELECT i FROM generate_series(1, 100) AS i;
CREATE TABLE outside (x int) TABLESPACE outside;
CREATE INDEX outside_x ON outside (x) TABLESPACE outside;
INSERT INTO outside SELECT i FROM generate_series(1, 100) AS i;

SELECT lo_from_bytea(0, decode(repeat(md5(i::text), 200), 'hex')) FROM generate_series(1, 20) AS i;
SELECT lo_put((SELECT min(oid) FROM pg_largeobject_metadata), 100000, 'after a hole');

SELECT format('CREATE TABLE many_%s (id int PRIMARY KEY, v text); INSERT INTO many_%s SELECT i, md5(i::text) FROM generate_series(1, %s) AS i;',
    i, i, i % 7) FROM generate_series(1, 2000) AS i
\gexec
CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION watch();

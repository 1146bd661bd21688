CREATE SCHEMA editorial;
CREATE TABLE editorial.letters (id serial PRIMARY KEY, author text NOT NULL, body text);
INSERT INTO editorial.letters (author, body) SELECT 'reader ' || n, repeat('word ', n) FROM generate_series(1, 40) n;
CREATE VIEW editorial.recent AS SELECT * FROM editorial.letters ORDER BY id DESC LIMIT 10;

-- What is kept as a statement or an expression must be found again whatever the reader's search path is.
CREATE SCHEMA kt;
SET search_path = kt;
CREATE SEQUENCE sq;
CREATE TYPE mood AS ENUM ('low', 'high');
CREATE TYPE pair AS (x int, y int[]);
CREATE TABLE t (id int PRIMARY KEY, p pair, arr int[], name text DEFAULT 'none', m mood);
CREATE TABLE t2 (id int, name text, m mood);
CREATE TABLE log (id int, n bigint, m mood, note text DEFAULT 'logged');
CREATE VIEW v AS SELECT * FROM t;
CREATE VIEW by_key AS SELECT id, name, count(*) AS n FROM t GROUP BY id;
CREATE VIEW by_key_alone AS SELECT FROM t GROUP BY id HAVING length(name) > 0;
CREATE DOMAIN ordered AS int[] CHECK (VALUE[1] < VALUE[2]);
CREATE RULE r1 AS ON INSERT TO v DO INSTEAD INSERT INTO t (p.x, arr[2], id) VALUES (1, 2, new.id)
    ON CONFLICT (id) WHERE id > 1 DO UPDATE SET arr[1] = excluded.id, p.x = 5, p.y[1] = 3, name = DEFAULT WHERE t.id > 0;
CREATE RULE r2 AS ON UPDATE TO v DO INSTEAD UPDATE t x SET name = DEFAULT, m = 'low' WHERE x.id = old.id;
CREATE RULE r3 AS ON DELETE TO v DO INSTEAD DELETE FROM t AS x WHERE x.id = old.id;
CREATE RULE r4 AS ON INSERT TO t2 DO ALSO INSERT INTO log VALUES (new.id, nextval('sq'), 'low', DEFAULT), (3, currval('sq'), new.m, 'x');
CREATE RULE r5 AS ON INSERT TO t2 WHERE EXISTS (SELECT FROM log WHERE log.id = new.id) DO INSTEAD INSERT INTO log AS l (id) VALUES (new.id)
    ON CONFLICT DO NOTHING;
CREATE RULE r6 AS ON UPDATE TO t2 DO ALSO INSERT INTO t SELECT id FROM log ON CONFLICT ON CONSTRAINT t_pkey DO NOTHING;
CREATE RULE r7 AS ON DELETE TO t2 DO ALSO INSERT INTO t (p.x, p.y[1], p.y[2], arr[3], id) VALUES (1, 2, 3, 4, old.id);
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p1 ON t USING (id IN (SELECT l.id FROM log l WHERE l.m = 'low')) WITH CHECK (id = (SELECT max(id) FROM log));
CREATE POLICY p2 ON t AS RESTRICTIVE FOR DELETE USING (NOT EXISTS (SELECT FROM v WHERE v.id = t.id AND nextval('sq') > 0));
CREATE FUNCTION f(a int) RETURNS bigint BEGIN ATOMIC
    INSERT INTO t AS z (id, name, m) VALUES (a, DEFAULT, 'high') ON CONFLICT (id) DO UPDATE SET name = excluded.name || z.name;
    UPDATE t q SET p.x = 1 WHERE q.id = a;
    DELETE FROM log AS w WHERE w.m = 'low'::mood;
    SELECT nextval('sq') + pg_relation_size('t') * 0;
END;
CREATE INDEX by_rows ON t ((name || 'x'));
CREATE TABLE retyped (a float8 CHECK (a > 10.2), b float8, CONSTRAINT small CHECK (b < 3));
CREATE INDEX doubled ON retyped ((a * 2)) WHERE b > 1.5;
ALTER TABLE retyped ALTER a TYPE numeric, ALTER b TYPE int;
GRANT USAGE ON LANGUAGE plpgsql TO dump_reader;

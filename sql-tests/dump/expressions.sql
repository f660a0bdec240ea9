-- Defaults, generated columns, checks, index expressions, partition bounds.
CREATE SCHEMA d; SET search_path = d, public;
CREATE TYPE mood AS ENUM ('sad','ok');
CREATE DOMAIN dm AS text CHECK (VALUE ~ '^a' AND length(VALUE) < 10);
CREATE FUNCTION fn(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'select $1';
CREATE TABLE t (id int primary key, a int, b text, vc varchar(10), c numeric, m mood, d date, ts timestamptz, p text[], f float8,
 d1 int DEFAULT 1 + 2, d2 text DEFAULT 'a' || 'b', d3 date DEFAULT CURRENT_DATE + 1, d4 timestamptz DEFAULT now() - interval '1 day', d5 mood DEFAULT 'ok', d6 text DEFAULT CURRENT_USER, d7 varchar(5) DEFAULT upper('x'), d8 numeric(5,2) DEFAULT 1, d9 bigint DEFAULT -5, d10 float8 DEFAULT 1.5e3, d11 text[] DEFAULT ARRAY['a','b'], d12 jsonb DEFAULT '{"a": 1}', d13 text DEFAULT CASE WHEN 1 = 1 THEN 'x' ELSE 'y' END, d14 int DEFAULT fn(3), d15 timestamp DEFAULT (now() AT TIME ZONE 'utc'), d16 time DEFAULT LOCALTIME, d17 interval DEFAULT '1 day'::interval, d18 char(3) DEFAULT 'x', d19 bool DEFAULT (NOT true), d20 text DEFAULT NULL::text, d21 uuid DEFAULT gen_random_uuid(), d22 int DEFAULT (random() * 10)::int, d23 smallint DEFAULT 3, d24 text DEFAULT current_setting('work_mem'), d25 text DEFAULT ('a' COLLATE "C"), d26 float4 DEFAULT 0, d27 money DEFAULT 1.5, d28 text DEFAULT E'a\nb', d29 int[] DEFAULT '{}', d30 text DEFAULT EXTRACT(year FROM now())::text,
 g1 int GENERATED ALWAYS AS (a * 2) STORED, g2 text GENERATED ALWAYS AS (lower(b) || '-' || vc) STORED, g3 int GENERATED ALWAYS AS (CASE WHEN a > 0 THEN 1 ELSE 0 END) STORED, g4 numeric GENERATED ALWAYS AS (c * 1.5 + coalesce(a, 0)) STORED,
 CONSTRAINT c1 CHECK (a > 0), CONSTRAINT c2 CHECK (a > 0 AND b <> 'x' OR c IS NULL), CONSTRAINT c3 CHECK (vc IN ('a','b')), CONSTRAINT c4 CHECK (m = 'ok' OR m IN ('sad', 'ok')), CONSTRAINT c5 CHECK (b ~ '^[a-z]+$'), CONSTRAINT c6 CHECK (length(b) BETWEEN 1 AND 5), CONSTRAINT c7 CHECK (d > '2000-01-01' AND ts < 'infinity'), CONSTRAINT c8 CHECK (CASE WHEN a > 1 THEN b IS NOT NULL ELSE true END), CONSTRAINT c9 CHECK (a = ANY (ARRAY[1,2,3])), CONSTRAINT c10 CHECK (NOT (a = 3)), CONSTRAINT c11 CHECK (p[1] = 'x' OR array_length(p, 1) > 2), CONSTRAINT c12 CHECK ((a, id) <> (1, 2)), CONSTRAINT c13 CHECK (b IS DISTINCT FROM vc), CONSTRAINT c14 CHECK (EXTRACT(year FROM d) > 2000), CONSTRAINT c15 CHECK (c::int % 2 = 0), CONSTRAINT c16 CHECK (fn(a) = a), CONSTRAINT c17 CHECK (b LIKE 'a%' OR b ILIKE '_x' OR b NOT LIKE '%z'), CONSTRAINT c18 CHECK (upper(vc) = vc), CONSTRAINT c19 CHECK (f > 0 AND f < 1e3), CONSTRAINT c20 CHECK (char_length(trim(b)) > 0), CONSTRAINT c21 CHECK (substring(b from 1 for 1) = 'a'), CONSTRAINT c22 CHECK (b = '' OR position('a' in b) > 0), CONSTRAINT c23 CHECK (true), CONSTRAINT c24 CHECK (num_nonnulls(a, b) = 1), CONSTRAINT c25 CHECK (coalesce(a, 0) + 1 > 0), CONSTRAINT c26 CHECK (t IS NOT NULL));
CREATE INDEX i1 ON t (lower(b));
CREATE INDEX i2 ON t ((a + 1), lower(vc) DESC);
CREATE INDEX i3 ON t (a) WHERE b = 'x' AND a > 1;
CREATE INDEX i4 ON t ((b || 'x')) WHERE m = 'ok';
CREATE INDEX i5 ON t (coalesce(a, 0), (vc::text));
CREATE INDEX i6 ON t (b text_pattern_ops, vc varchar_pattern_ops DESC NULLS LAST);
CREATE INDEX i8 ON t ((a IS NULL), (b IS NOT NULL)) WHERE a IS NOT NULL;
CREATE INDEX i9 ON t (b COLLATE "C", lower(b) COLLATE "POSIX");
CREATE UNIQUE INDEX i10 ON t (fn(a)) INCLUDE (b, c) WITH (fillfactor = 70);
CREATE INDEX i11 ON t ((CASE WHEN a > 1 THEN 1 ELSE 2 END));
CREATE INDEX i12 ON t (EXTRACT(year FROM d));
CREATE TABLE pt (a int, b text, d date) PARTITION BY RANGE (a, lower(b), (a + 1));
CREATE TABLE pl (a int, b text) PARTITION BY LIST (b);
CREATE TABLE pl1 PARTITION OF pl FOR VALUES IN ('a', NULL, 'it''s');
CREATE TABLE pd (d date, ts timestamptz) PARTITION BY RANGE (d);
CREATE TABLE pd1 PARTITION OF pd FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE pn (n numeric, f float8, b bool, big bigint) PARTITION BY RANGE (n, big);
CREATE TABLE pn1 PARTITION OF pn FOR VALUES FROM (1.5, -5) TO (100, 9999999999);
CREATE TABLE pb (x bit(3)) PARTITION BY LIST (x);
CREATE TABLE pb1 PARTITION OF pb FOR VALUES IN (B'101');
CREATE FUNCTION tg() RETURNS trigger LANGUAGE plpgsql AS 'begin return new; end';
CREATE FUNCTION fd(a int DEFAULT 1 + 1, b text DEFAULT 'x' || 'y', c mood DEFAULT 'ok', d date DEFAULT CURRENT_DATE, e int[] DEFAULT '{1}', f numeric DEFAULT 1, g varchar DEFAULT NULL) RETURNS int LANGUAGE sql AS 'select 1';
CREATE FUNCTION at1(a int) RETURNS int LANGUAGE sql RETURN a + 1;
CREATE TRIGGER t1 BEFORE UPDATE ON t FOR EACH ROW WHEN (OLD.a IS DISTINCT FROM NEW.a AND NEW.b <> 'x') EXECUTE FUNCTION tg();
CREATE TRIGGER t2 AFTER INSERT ON t FOR EACH ROW WHEN (NEW.m = 'ok') EXECUTE FUNCTION tg('a', 'b''c');
CREATE TRIGGER t3 BEFORE UPDATE OF a, b OR DELETE ON t FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM OLD.*) EXECUTE FUNCTION tg();
CREATE TRIGGER t4 AFTER UPDATE ON t FOR EACH ROW WHEN (lower(NEW.b) = OLD.b OR NEW.vc = 'x') EXECUTE FUNCTION tg();
CREATE FUNCTION at2(x text) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t WHERE b = x; END;

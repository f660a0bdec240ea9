-- Extensions: the statement that makes each, what hangs on it, and nothing of what it brings.
CREATE SCHEMA x;
CREATE EXTENSION "uuid-ossp" WITH SCHEMA x;
COMMENT ON EXTENSION "uuid-ossp" IS 'keys';
CREATE TABLE x.keys (id uuid DEFAULT x.uuid_generate_v4() PRIMARY KEY, name text, hash uuid GENERATED ALWAYS AS (x.uuid_generate_v5(x.uuid_nil(), name)) STORED);
CREATE VIEW x.by_name AS SELECT id, x.uuid_generate_v3(x.uuid_ns_dns(), name) AS code FROM x.keys;
CREATE INDEX by_code ON x.keys (x.uuid_generate_v3(x.uuid_ns_url(), name));
CREATE FUNCTION x.own() RETURNS integer LANGUAGE internal IMMUTABLE AS 'int4abs';
CREATE EXTENSION citext WITH SCHEMA x;
CREATE EXTENSION hstore WITH SCHEMA x;
CREATE EXTENSION pg_trgm WITH SCHEMA x;
CREATE TABLE x.people (name x.citext PRIMARY KEY, mail x.citext UNIQUE, attrs x.hstore DEFAULT ''::x.hstore, tags x.citext[], CONSTRAINT short CHECK (name OPERATOR(x.<>) 'x'::x.citext));
CREATE TABLE x.posts (author x.citext REFERENCES x.people, body text);
CREATE INDEX by_body ON x.posts USING gin (body x.gin_trgm_ops);
CREATE INDEX by_attrs ON x.people USING gin (attrs);
CREATE VIEW x.found AS SELECT name, attrs OPERATOR(x.->) 'k' AS k FROM x.people WHERE name OPERATOR(x.=) 'A'::x.citext;
INSERT INTO x.people VALUES ('Anna', 'A@b', 'k=>v, "n"=>NULL', '{One,two}');

-- Extensions: the statement that makes each, what hangs on it, and nothing of what it brings.
CREATE SCHEMA x;
CREATE EXTENSION "uuid-ossp" WITH SCHEMA x;
COMMENT ON EXTENSION "uuid-ossp" IS 'keys';
CREATE TABLE x.keys (id uuid DEFAULT x.uuid_generate_v4() PRIMARY KEY, name text, hash uuid GENERATED ALWAYS AS (x.uuid_generate_v5(x.uuid_nil(), name)) STORED);
CREATE VIEW x.by_name AS SELECT id, x.uuid_generate_v3(x.uuid_ns_dns(), name) AS code FROM x.keys;
CREATE INDEX by_code ON x.keys (x.uuid_generate_v3(x.uuid_ns_url(), name));
CREATE FUNCTION x.own() RETURNS integer LANGUAGE internal IMMUTABLE AS 'int4abs';

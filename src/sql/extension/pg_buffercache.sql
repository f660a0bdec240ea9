CREATE FUNCTION pg_buffercache_pages() RETURNS SETOF RECORD LANGUAGE C PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_buffercache_pages';
CREATE VIEW pg_buffercache AS
  SELECT p.* FROM pg_buffercache_pages() AS p
  (bufferid integer, relfilenode oid, reltablespace oid, reldatabase oid, relforknumber int2, relblocknumber int8, isdirty bool, usagecount int2, pinning_backends int4);
REVOKE ALL ON FUNCTION pg_buffercache_pages() FROM PUBLIC;
REVOKE ALL ON pg_buffercache FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_buffercache_pages() TO pg_monitor;
GRANT SELECT ON pg_buffercache TO pg_monitor;

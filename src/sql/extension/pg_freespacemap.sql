CREATE FUNCTION pg_freespace(regclass, bigint) RETURNS smallint LANGUAGE C STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_freespace';
CREATE FUNCTION pg_freespace(rel regclass, OUT blkno bigint, OUT avail smallint) RETURNS SETOF record LANGUAGE SQL PARALLEL SAFE AS '
  SELECT blkno, pg_freespace($1, blkno) AS avail
  FROM generate_series(0, pg_relation_size($1) / current_setting(''block_size'')::bigint - 1) AS blkno;
';
REVOKE ALL ON FUNCTION pg_freespace(regclass, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_freespace(regclass, bigint) TO pg_stat_scan_tables;
REVOKE ALL ON FUNCTION pg_freespace(regclass) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_freespace(regclass) TO pg_stat_scan_tables;

-- autoprewarm_start_worker and autoprewarm_dump_now are left out: no worker remembers what the pool held.
CREATE FUNCTION pg_prewarm(regclass, mode text DEFAULT 'buffer', fork text DEFAULT 'main', first_block int8 DEFAULT null, last_block int8 DEFAULT null) RETURNS int8 LANGUAGE C PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_prewarm';

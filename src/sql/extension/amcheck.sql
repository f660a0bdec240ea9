-- heapallindexed and rootdescend are refused.
CREATE FUNCTION bt_index_check(index regclass) RETURNS void LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'bt_index_check';
CREATE FUNCTION bt_index_parent_check(index regclass) RETURNS void LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'bt_index_parent_check';
REVOKE ALL ON FUNCTION bt_index_check(regclass) FROM PUBLIC;
REVOKE ALL ON FUNCTION bt_index_parent_check(regclass) FROM PUBLIC;
CREATE FUNCTION bt_index_check(index regclass, heapallindexed boolean) RETURNS void LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'bt_index_check';
CREATE FUNCTION bt_index_parent_check(index regclass, heapallindexed boolean) RETURNS void LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'bt_index_parent_check';
REVOKE ALL ON FUNCTION bt_index_check(regclass, boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION bt_index_parent_check(regclass, boolean) FROM PUBLIC;
CREATE FUNCTION bt_index_parent_check(index regclass, heapallindexed boolean, rootdescend boolean) RETURNS void LANGUAGE C STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'bt_index_parent_check';
REVOKE ALL ON FUNCTION bt_index_parent_check(regclass, boolean, boolean) FROM PUBLIC;
CREATE FUNCTION verify_heapam(relation regclass, on_error_stop boolean DEFAULT false, check_toast boolean DEFAULT false, skip text DEFAULT 'none', startblock bigint DEFAULT NULL, endblock bigint DEFAULT NULL, blkno OUT bigint, offnum OUT integer, attnum OUT integer, msg OUT text) RETURNS SETOF record LANGUAGE C AS 'MODULE_PATHNAME', 'verify_heapam';
REVOKE ALL ON FUNCTION verify_heapam(regclass, boolean, boolean, text, bigint, bigint) FROM PUBLIC;

-- Left out: the type ghstore and the operator class for GiST, subscripts.
CREATE TYPE hstore;
CREATE FUNCTION hstore_in(cstring) RETURNS hstore LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_in';
CREATE FUNCTION hstore_out(hstore) RETURNS cstring LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_out';
CREATE FUNCTION hstore_recv(internal) RETURNS hstore LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_recv';
CREATE FUNCTION hstore_send(hstore) RETURNS bytea LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_send';
CREATE TYPE hstore (INTERNALLENGTH = VARIABLE, INPUT = hstore_in, OUTPUT = hstore_out, RECEIVE = hstore_recv, SEND = hstore_send, STORAGE = extended);
CREATE FUNCTION hstore_version_diag(hstore) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_version_diag';
CREATE FUNCTION fetchval(hstore, text) RETURNS text LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_fetchval';
CREATE FUNCTION slice_array(hstore, text[]) RETURNS text[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_slice_to_array';
CREATE FUNCTION slice(hstore, text[]) RETURNS hstore LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_slice_to_hstore';
CREATE FUNCTION isexists(hstore, text) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_exists';
CREATE FUNCTION exist(hstore, text) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_exists';
CREATE FUNCTION exists_any(hstore, text[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_exists_any';
CREATE FUNCTION exists_all(hstore, text[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_exists_all';
CREATE FUNCTION isdefined(hstore, text) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_defined';
CREATE FUNCTION defined(hstore, text) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_defined';
CREATE FUNCTION delete(hstore, text) RETURNS hstore LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_delete';
CREATE FUNCTION delete(hstore, text[]) RETURNS hstore LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_delete_array';
CREATE FUNCTION delete(hstore, hstore) RETURNS hstore LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_delete_hstore';
CREATE FUNCTION hs_concat(hstore, hstore) RETURNS hstore LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_concat';
CREATE FUNCTION hs_contains(hstore, hstore) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_contains';
CREATE FUNCTION hs_contained(hstore, hstore) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_contained';
CREATE FUNCTION tconvert(text, text) RETURNS hstore LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_from_text';
CREATE FUNCTION hstore(text, text) RETURNS hstore LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_from_text';
CREATE FUNCTION hstore(text[], text[]) RETURNS hstore LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_from_arrays';
CREATE FUNCTION hstore(text[]) RETURNS hstore LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_from_array';
CREATE FUNCTION hstore_to_json(hstore) RETURNS json LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_to_json';
CREATE FUNCTION hstore_to_json_loose(hstore) RETURNS json LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_to_json_loose';
CREATE FUNCTION hstore_to_jsonb(hstore) RETURNS jsonb LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_to_jsonb';
CREATE FUNCTION hstore_to_jsonb_loose(hstore) RETURNS jsonb LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_to_jsonb_loose';
CREATE FUNCTION hstore(record) RETURNS hstore LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_from_record';
CREATE FUNCTION hstore_to_array(hstore) RETURNS text[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_to_array';
CREATE FUNCTION hstore_to_matrix(hstore) RETURNS text[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_to_matrix';
CREATE FUNCTION akeys(hstore) RETURNS text[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_akeys';
CREATE FUNCTION avals(hstore) RETURNS text[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_avals';
CREATE FUNCTION skeys(hstore) RETURNS SETOF text LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_skeys';
CREATE FUNCTION svals(hstore) RETURNS SETOF text LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_svals';
CREATE FUNCTION each(hs hstore, OUT key text, OUT value text) RETURNS SETOF record LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_each';
CREATE FUNCTION populate_record(anyelement, hstore) RETURNS anyelement LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_populate_record';
CREATE FUNCTION hstore_eq(hstore, hstore) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_eq';
CREATE FUNCTION hstore_ne(hstore, hstore) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_ne';
CREATE FUNCTION hstore_gt(hstore, hstore) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_gt';
CREATE FUNCTION hstore_ge(hstore, hstore) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_ge';
CREATE FUNCTION hstore_lt(hstore, hstore) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_lt';
CREATE FUNCTION hstore_le(hstore, hstore) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_le';
CREATE FUNCTION hstore_cmp(hstore, hstore) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_cmp';
CREATE FUNCTION hstore_hash(hstore) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_hash';
CREATE FUNCTION hstore_hash_extended(hstore, bigint) RETURNS bigint LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'hstore_hash_extended';
CREATE OPERATOR -> (LEFTARG = hstore, RIGHTARG = text, PROCEDURE = fetchval);
CREATE OPERATOR -> (LEFTARG = hstore, RIGHTARG = text[], PROCEDURE = slice_array);
CREATE OPERATOR ? (LEFTARG = hstore, RIGHTARG = text, PROCEDURE = exist, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ?| (LEFTARG = hstore, RIGHTARG = text[], PROCEDURE = exists_any, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ?& (LEFTARG = hstore, RIGHTARG = text[], PROCEDURE = exists_all, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR - (LEFTARG = hstore, RIGHTARG = text, PROCEDURE = delete);
CREATE OPERATOR - (LEFTARG = hstore, RIGHTARG = text[], PROCEDURE = delete);
CREATE OPERATOR - (LEFTARG = hstore, RIGHTARG = hstore, PROCEDURE = delete);
CREATE OPERATOR || (LEFTARG = hstore, RIGHTARG = hstore, PROCEDURE = hs_concat);
CREATE OPERATOR @> (LEFTARG = hstore, RIGHTARG = hstore, PROCEDURE = hs_contains, COMMUTATOR = <@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR <@ (LEFTARG = hstore, RIGHTARG = hstore, PROCEDURE = hs_contained, COMMUTATOR = @>, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR #= (LEFTARG = anyelement, RIGHTARG = hstore, PROCEDURE = populate_record);
CREATE OPERATOR = (LEFTARG = hstore, RIGHTARG = hstore, PROCEDURE = hstore_eq, COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, MERGES, HASHES);
CREATE OPERATOR <> (LEFTARG = hstore, RIGHTARG = hstore, PROCEDURE = hstore_ne, COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR #<# (LEFTARG = hstore, RIGHTARG = hstore, PROCEDURE = hstore_lt, COMMUTATOR = #>#, NEGATOR = #>=#, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR #<=# (LEFTARG = hstore, RIGHTARG = hstore, PROCEDURE = hstore_le, COMMUTATOR = #>=#, NEGATOR = #>#, RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR #># (LEFTARG = hstore, RIGHTARG = hstore, PROCEDURE = hstore_gt, COMMUTATOR = #<#, NEGATOR = #<=#, RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR #>=# (LEFTARG = hstore, RIGHTARG = hstore, PROCEDURE = hstore_ge, COMMUTATOR = #<=#, NEGATOR = #<#, RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR %% (RIGHTARG = hstore, PROCEDURE = hstore_to_array);
CREATE OPERATOR %# (RIGHTARG = hstore, PROCEDURE = hstore_to_matrix);
CREATE CAST (text[] AS hstore) WITH FUNCTION hstore(text[]);
CREATE CAST (hstore AS json) WITH FUNCTION hstore_to_json(hstore);
CREATE CAST (hstore AS jsonb) WITH FUNCTION hstore_to_jsonb(hstore);
CREATE FUNCTION gin_extract_hstore(hstore, internal) RETURNS internal LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gin_extract_hstore';
CREATE FUNCTION gin_extract_hstore_query(hstore, internal, int2, internal, internal) RETURNS internal LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gin_extract_hstore_query';
CREATE FUNCTION gin_consistent_hstore(internal, int2, hstore, int4, internal, internal) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gin_consistent_hstore';
CREATE OPERATOR CLASS btree_hstore_ops DEFAULT FOR TYPE hstore USING btree AS
    OPERATOR 1 #<#,
    OPERATOR 2 #<=#,
    OPERATOR 3 =,
    OPERATOR 4 #>=#,
    OPERATOR 5 #>#,
    FUNCTION 1 hstore_cmp(hstore, hstore);
CREATE OPERATOR CLASS hash_hstore_ops DEFAULT FOR TYPE hstore USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 hstore_hash(hstore),
    FUNCTION 2 hstore_hash_extended(hstore, int8);
CREATE OPERATOR CLASS gin_hstore_ops DEFAULT FOR TYPE hstore USING gin AS
    OPERATOR 7 @>,
    OPERATOR 9 ? (hstore, text),
    OPERATOR 10 ?| (hstore, text[]),
    OPERATOR 11 ?& (hstore, text[]),
    FUNCTION 1 bttextcmp(text, text),
    FUNCTION 2 gin_extract_hstore(hstore, internal),
    FUNCTION 3 gin_extract_hstore_query(hstore, internal, int2, internal, internal),
    FUNCTION 4 gin_consistent_hstore(internal, int2, hstore, int4, internal, internal),
    STORAGE text;

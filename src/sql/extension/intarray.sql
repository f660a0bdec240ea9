-- Left out: the type intbig_gkey, what the keys of GiST need, and the classes' parameters. Estimates are those of arrays.
CREATE TYPE query_int;
CREATE FUNCTION bqarr_in(cstring) RETURNS query_int LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'bqarr_in';
CREATE FUNCTION bqarr_out(query_int) RETURNS cstring LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'bqarr_out';
CREATE TYPE query_int (INTERNALLENGTH = VARIABLE, INPUT = bqarr_in, OUTPUT = bqarr_out, ALIGNMENT = int4, STORAGE = plain);
CREATE FUNCTION querytree(query_int) RETURNS text LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'querytree';
CREATE FUNCTION boolop(integer[], query_int) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'boolop';
CREATE FUNCTION rboolop(query_int, integer[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'rboolop';
CREATE FUNCTION _int_matchsel(internal, oid, internal, integer) RETURNS double precision LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_matchsel';
CREATE FUNCTION _int_contains(integer[], integer[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_contains';
CREATE FUNCTION _int_contained(integer[], integer[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_contained';
CREATE FUNCTION _int_overlap(integer[], integer[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_overlap';
CREATE FUNCTION _int_same(integer[], integer[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_same';
CREATE FUNCTION _int_different(integer[], integer[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_different';
CREATE FUNCTION _int_union(integer[], integer[]) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_union';
CREATE FUNCTION _int_inter(integer[], integer[]) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_inter';
CREATE FUNCTION _int_overlap_sel(internal, oid, internal, integer) RETURNS double precision LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_overlap_sel';
CREATE FUNCTION _int_contains_sel(internal, oid, internal, integer) RETURNS double precision LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_contains_sel';
CREATE FUNCTION _int_contained_sel(internal, oid, internal, integer) RETURNS double precision LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_contained_sel';
CREATE FUNCTION _int_overlap_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_overlap_joinsel';
CREATE FUNCTION _int_contains_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_contains_joinsel';
CREATE FUNCTION _int_contained_joinsel(internal, oid, internal, smallint, internal) RETURNS double precision LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_int_contained_joinsel';
CREATE FUNCTION intset(integer) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'intset';
CREATE FUNCTION icount(integer[]) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'icount';
CREATE FUNCTION sort(integer[], text) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sort';
CREATE FUNCTION sort(integer[]) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sort';
CREATE FUNCTION sort_asc(integer[]) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sort_asc';
CREATE FUNCTION sort_desc(integer[]) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'sort_desc';
CREATE FUNCTION uniq(integer[]) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'uniq';
CREATE FUNCTION idx(integer[], integer) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'idx';
CREATE FUNCTION subarray(integer[], integer, integer) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'subarray';
CREATE FUNCTION subarray(integer[], integer) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'subarray';
CREATE FUNCTION intarray_push_elem(integer[], integer) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'intarray_push_elem';
CREATE FUNCTION intarray_push_array(integer[], integer[]) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'intarray_push_array';
CREATE FUNCTION intarray_del_elem(integer[], integer) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'intarray_del_elem';
CREATE FUNCTION intset_union_elem(integer[], integer) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'intset_union_elem';
CREATE FUNCTION intset_subtract(integer[], integer[]) RETURNS integer[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'intset_subtract';
CREATE FUNCTION g_int_consistent(internal, integer[], smallint, oid, internal) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'g_int_consistent';
CREATE FUNCTION g_intbig_consistent(internal, integer[], smallint, oid, internal) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'g_intbig_consistent';
CREATE OPERATOR ~~ (LEFTARG = query_int, RIGHTARG = integer[], PROCEDURE = rboolop, COMMUTATOR = @@, RESTRICT = _int_matchsel, JOIN = contjoinsel);
CREATE OPERATOR @@ (LEFTARG = integer[], RIGHTARG = query_int, PROCEDURE = boolop, COMMUTATOR = ~~, RESTRICT = _int_matchsel, JOIN = contjoinsel);
CREATE OPERATOR && (LEFTARG = integer[], RIGHTARG = integer[], PROCEDURE = _int_overlap, COMMUTATOR = &&, RESTRICT = _int_overlap_sel, JOIN = _int_overlap_joinsel);
CREATE OPERATOR <@ (LEFTARG = integer[], RIGHTARG = integer[], PROCEDURE = _int_contained, COMMUTATOR = @>, RESTRICT = _int_contained_sel, JOIN = _int_contained_joinsel);
CREATE OPERATOR @> (LEFTARG = integer[], RIGHTARG = integer[], PROCEDURE = _int_contains, COMMUTATOR = <@, RESTRICT = _int_contains_sel, JOIN = _int_contains_joinsel);
CREATE OPERATOR # (RIGHTARG = integer[], PROCEDURE = icount);
CREATE OPERATOR # (LEFTARG = integer[], RIGHTARG = integer, PROCEDURE = idx);
CREATE OPERATOR + (LEFTARG = integer[], RIGHTARG = integer, PROCEDURE = intarray_push_elem);
CREATE OPERATOR + (LEFTARG = integer[], RIGHTARG = integer[], PROCEDURE = intarray_push_array, COMMUTATOR = +);
CREATE OPERATOR - (LEFTARG = integer[], RIGHTARG = integer, PROCEDURE = intarray_del_elem);
CREATE OPERATOR | (LEFTARG = integer[], RIGHTARG = integer, PROCEDURE = intset_union_elem);
CREATE OPERATOR | (LEFTARG = integer[], RIGHTARG = integer[], PROCEDURE = _int_union, COMMUTATOR = |);
CREATE OPERATOR - (LEFTARG = integer[], RIGHTARG = integer[], PROCEDURE = intset_subtract);
CREATE OPERATOR & (LEFTARG = integer[], RIGHTARG = integer[], PROCEDURE = _int_inter, COMMUTATOR = &);
CREATE OPERATOR CLASS gist__int_ops DEFAULT FOR TYPE int4[] USING gist AS
    OPERATOR 3 &&,
    OPERATOR 6 = (anyarray, anyarray),
    OPERATOR 7 @>,
    OPERATOR 20 @@ (int4[], query_int),
    FUNCTION 1 g_int_consistent(internal, int4[], int2, oid, internal);
CREATE OPERATOR CLASS gist__intbig_ops FOR TYPE int4[] USING gist AS
    OPERATOR 3 &&,
    OPERATOR 6 = (anyarray, anyarray),
    OPERATOR 7 @>,
    OPERATOR 20 @@ (int4[], query_int),
    FUNCTION 1 g_intbig_consistent(internal, int4[], int2, oid, internal);
CREATE OPERATOR CLASS gin__int_ops FOR TYPE int4[] USING gin AS
    OPERATOR 3 &&,
    OPERATOR 6 = (anyarray, anyarray),
    OPERATOR 7 @>,
    OPERATOR 8 <@,
    OPERATOR 20 @@ (int4[], query_int),
    FUNCTION 1 btint4cmp(int4, int4),
    FUNCTION 2 ginarrayextract(anyarray, internal, internal),
    STORAGE int4;

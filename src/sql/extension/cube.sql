-- Left out: functions that only GiST's own code needs.
CREATE TYPE cube;
CREATE FUNCTION cube_in(cstring) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_in';
CREATE FUNCTION cube_out(cube) RETURNS cstring LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_out';
CREATE FUNCTION cube_recv(internal) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_recv';
CREATE FUNCTION cube_send(cube) RETURNS bytea LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_send';
CREATE TYPE cube (INTERNALLENGTH = VARIABLE, INPUT = cube_in, OUTPUT = cube_out, RECEIVE = cube_recv, SEND = cube_send, ALIGNMENT = double, STORAGE = plain);
CREATE FUNCTION cube(double precision[], double precision[]) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_a_f8_f8';
CREATE FUNCTION cube(double precision[]) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_a_f8';
CREATE FUNCTION cube_eq(cube, cube) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_eq';
CREATE FUNCTION cube_ne(cube, cube) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_ne';
CREATE FUNCTION cube_lt(cube, cube) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_lt';
CREATE FUNCTION cube_gt(cube, cube) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_gt';
CREATE FUNCTION cube_le(cube, cube) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_le';
CREATE FUNCTION cube_ge(cube, cube) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_ge';
CREATE FUNCTION cube_cmp(cube, cube) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_cmp';
CREATE FUNCTION cube_contains(cube, cube) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_contains';
CREATE FUNCTION cube_contained(cube, cube) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_contained';
CREATE FUNCTION cube_overlap(cube, cube) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_overlap';
CREATE FUNCTION cube_union(cube, cube) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_union';
CREATE FUNCTION cube_inter(cube, cube) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_inter';
CREATE FUNCTION cube_size(cube) RETURNS double precision LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_size';
CREATE FUNCTION cube_subset(cube, integer[]) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_subset';
CREATE FUNCTION cube_distance(cube, cube) RETURNS double precision LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_distance';
CREATE FUNCTION distance_chebyshev(cube, cube) RETURNS double precision LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'distance_chebyshev';
CREATE FUNCTION distance_taxicab(cube, cube) RETURNS double precision LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'distance_taxicab';
CREATE FUNCTION cube_dim(cube) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_dim';
CREATE FUNCTION cube_ll_coord(cube, integer) RETURNS double precision LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_ll_coord';
CREATE FUNCTION cube_ur_coord(cube, integer) RETURNS double precision LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_ur_coord';
CREATE FUNCTION cube_coord(cube, integer) RETURNS double precision LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_coord';
CREATE FUNCTION cube_coord_llur(cube, integer) RETURNS double precision LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_coord_llur';
CREATE FUNCTION cube(double precision) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_f8';
CREATE FUNCTION cube(double precision, double precision) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_f8_f8';
CREATE FUNCTION cube(cube, double precision) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_c_f8';
CREATE FUNCTION cube(cube, double precision, double precision) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_c_f8_f8';
CREATE FUNCTION cube_is_point(cube) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_is_point';
CREATE FUNCTION cube_enlarge(cube, double precision, integer) RETURNS cube LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cube_enlarge';
CREATE FUNCTION g_cube_consistent(internal, cube, smallint, oid, internal) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'g_cube_consistent';
CREATE FUNCTION g_cube_distance(internal, cube, smallint, oid, internal) RETURNS double precision LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'g_cube_distance';
CREATE OPERATOR > (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = cube_gt, COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR >= (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = cube_ge, COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR < (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = cube_lt, COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR <= (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = cube_le, COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR && (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = cube_overlap, COMMUTATOR = &&, RESTRICT = areasel, JOIN = areajoinsel);
CREATE OPERATOR <> (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = cube_ne, COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR = (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = cube_eq, COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, MERGES);
CREATE OPERATOR <@ (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = cube_contained, COMMUTATOR = @>, RESTRICT = contsel, JOIN = contjoinsel);
CREATE OPERATOR @> (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = cube_contains, COMMUTATOR = <@, RESTRICT = contsel, JOIN = contjoinsel);
CREATE OPERATOR -> (LEFTARG = cube, RIGHTARG = integer, PROCEDURE = cube_coord);
CREATE OPERATOR ~> (LEFTARG = cube, RIGHTARG = integer, PROCEDURE = cube_coord_llur);
CREATE OPERATOR <#> (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = distance_taxicab, COMMUTATOR = <#>);
CREATE OPERATOR <-> (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = cube_distance, COMMUTATOR = <->);
CREATE OPERATOR <=> (LEFTARG = cube, RIGHTARG = cube, PROCEDURE = distance_chebyshev, COMMUTATOR = <=>);
CREATE OPERATOR CLASS cube_ops DEFAULT FOR TYPE cube USING btree AS
    OPERATOR 1 <,
    OPERATOR 2 <=,
    OPERATOR 3 =,
    OPERATOR 4 >=,
    OPERATOR 5 >,
    FUNCTION 1 cube_cmp(cube, cube);
CREATE OPERATOR CLASS gist_cube_ops DEFAULT FOR TYPE cube USING gist AS
    OPERATOR 3 &&,
    OPERATOR 6 =,
    OPERATOR 7 @>,
    OPERATOR 8 <@,
    OPERATOR 15 ~> (cube, int4) FOR ORDER BY float_ops,
    OPERATOR 16 <#> (cube, cube) FOR ORDER BY float_ops,
    OPERATOR 17 <-> (cube, cube) FOR ORDER BY float_ops,
    OPERATOR 18 <=> (cube, cube) FOR ORDER BY float_ops,
    FUNCTION 1 g_cube_consistent(internal, cube, int2, oid, internal),
    FUNCTION 8 g_cube_distance(internal, cube, int2, oid, internal);

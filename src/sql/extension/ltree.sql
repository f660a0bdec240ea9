-- Left out: the type ltree_gist, what its keys need, and the classes' parameter siglen.
CREATE TYPE ltree;
CREATE TYPE lquery;
CREATE TYPE ltxtquery;
CREATE FUNCTION ltree_in(cstring) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_in';
CREATE FUNCTION ltree_out(ltree) RETURNS cstring LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_out';
CREATE FUNCTION ltree_recv(internal) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_recv';
CREATE FUNCTION ltree_send(ltree) RETURNS bytea LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_send';
CREATE TYPE ltree (INTERNALLENGTH = VARIABLE, INPUT = ltree_in, OUTPUT = ltree_out, RECEIVE = ltree_recv, SEND = ltree_send, ALIGNMENT = int4, STORAGE = extended);
CREATE FUNCTION lquery_in(cstring) RETURNS lquery LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lquery_in';
CREATE FUNCTION lquery_out(lquery) RETURNS cstring LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lquery_out';
CREATE FUNCTION lquery_recv(internal) RETURNS lquery LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lquery_recv';
CREATE FUNCTION lquery_send(lquery) RETURNS bytea LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lquery_send';
CREATE TYPE lquery (INTERNALLENGTH = VARIABLE, INPUT = lquery_in, OUTPUT = lquery_out, RECEIVE = lquery_recv, SEND = lquery_send, ALIGNMENT = int4, STORAGE = extended);
CREATE FUNCTION ltxtq_in(cstring) RETURNS ltxtquery LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltxtq_in';
CREATE FUNCTION ltxtq_out(ltxtquery) RETURNS cstring LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltxtq_out';
CREATE FUNCTION ltxtq_recv(internal) RETURNS ltxtquery LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltxtq_recv';
CREATE FUNCTION ltxtq_send(ltxtquery) RETURNS bytea LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltxtq_send';
CREATE TYPE ltxtquery (INTERNALLENGTH = VARIABLE, INPUT = ltxtq_in, OUTPUT = ltxtq_out, RECEIVE = ltxtq_recv, SEND = ltxtq_send, ALIGNMENT = int4, STORAGE = extended);
CREATE FUNCTION ltree_cmp(ltree, ltree) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_cmp';
CREATE FUNCTION ltree_lt(ltree, ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_lt';
CREATE FUNCTION ltree_le(ltree, ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_le';
CREATE FUNCTION ltree_eq(ltree, ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_eq';
CREATE FUNCTION ltree_ge(ltree, ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_ge';
CREATE FUNCTION ltree_gt(ltree, ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_gt';
CREATE FUNCTION ltree_ne(ltree, ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_ne';
CREATE FUNCTION subltree(ltree, integer, integer) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'subltree';
CREATE FUNCTION subpath(ltree, integer, integer) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'subpath';
CREATE FUNCTION subpath(ltree, integer) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'subpath';
CREATE FUNCTION index(ltree, ltree) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_index';
CREATE FUNCTION index(ltree, ltree, integer) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_index';
CREATE FUNCTION nlevel(ltree) RETURNS integer LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'nlevel';
CREATE FUNCTION ltree2text(ltree) RETURNS text LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree2text';
CREATE FUNCTION text2ltree(text) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'text2ltree';
CREATE FUNCTION lca(ltree[]) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_lca';
CREATE FUNCTION lca(ltree, ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lca';
CREATE FUNCTION lca(ltree, ltree, ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lca';
CREATE FUNCTION lca(ltree, ltree, ltree, ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lca';
CREATE FUNCTION lca(ltree, ltree, ltree, ltree, ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lca';
CREATE FUNCTION lca(ltree, ltree, ltree, ltree, ltree, ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lca';
CREATE FUNCTION lca(ltree, ltree, ltree, ltree, ltree, ltree, ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lca';
CREATE FUNCTION lca(ltree, ltree, ltree, ltree, ltree, ltree, ltree, ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lca';
CREATE FUNCTION ltree_isparent(ltree, ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_isparent';
CREATE FUNCTION ltree_risparent(ltree, ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_risparent';
CREATE FUNCTION ltree_addltree(ltree, ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_addltree';
CREATE FUNCTION ltree_addtext(ltree, text) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_addtext';
CREATE FUNCTION ltree_textadd(text, ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_textadd';
CREATE FUNCTION ltreeparentsel(internal, oid, internal, integer) RETURNS double precision LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltreeparentsel';
CREATE FUNCTION ltq_regex(ltree, lquery) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltq_regex';
CREATE FUNCTION ltq_rregex(lquery, ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltq_rregex';
CREATE FUNCTION lt_q_regex(ltree, lquery[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lt_q_regex';
CREATE FUNCTION lt_q_rregex(lquery[], ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'lt_q_rregex';
CREATE FUNCTION ltxtq_exec(ltree, ltxtquery) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltxtq_exec';
CREATE FUNCTION ltxtq_rexec(ltxtquery, ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltxtq_rexec';
CREATE FUNCTION ltree_consistent(internal, ltree, smallint, oid, internal) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ltree_consistent';
CREATE FUNCTION _ltree_isparent(ltree[], ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltree_isparent';
CREATE FUNCTION _ltree_r_isparent(ltree, ltree[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltree_r_isparent';
CREATE FUNCTION _ltree_risparent(ltree[], ltree) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltree_risparent';
CREATE FUNCTION _ltree_r_risparent(ltree, ltree[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltree_r_risparent';
CREATE FUNCTION _ltq_regex(ltree[], lquery) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltq_regex';
CREATE FUNCTION _ltq_rregex(lquery, ltree[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltq_rregex';
CREATE FUNCTION _lt_q_regex(ltree[], lquery[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_lt_q_regex';
CREATE FUNCTION _lt_q_rregex(lquery[], ltree[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_lt_q_rregex';
CREATE FUNCTION _ltxtq_exec(ltree[], ltxtquery) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltxtq_exec';
CREATE FUNCTION _ltxtq_rexec(ltxtquery, ltree[]) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltxtq_rexec';
CREATE FUNCTION _ltree_extract_isparent(ltree[], ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltree_extract_isparent';
CREATE FUNCTION _ltree_extract_risparent(ltree[], ltree) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltree_extract_risparent';
CREATE FUNCTION _ltq_extract_regex(ltree[], lquery) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltq_extract_regex';
CREATE FUNCTION _ltxtq_extract_exec(ltree[], ltxtquery) RETURNS ltree LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltxtq_extract_exec';
CREATE FUNCTION _ltree_consistent(internal, ltree[], smallint, oid, internal) RETURNS boolean LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', '_ltree_consistent';
CREATE OPERATOR > (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_gt, COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE OPERATOR >= (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_ge, COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR < (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_lt, COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR <= (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_le, COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR <> (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_ne, COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR = (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_eq, COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, MERGES);
CREATE OPERATOR <@ (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_risparent, COMMUTATOR = @>, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR @> (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_isparent, COMMUTATOR = <@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^<@ (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_risparent, COMMUTATOR = ^@>, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^@> (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_isparent, COMMUTATOR = ^<@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR || (LEFTARG = ltree, RIGHTARG = ltree, PROCEDURE = ltree_addltree);
CREATE OPERATOR || (LEFTARG = ltree, RIGHTARG = text, PROCEDURE = ltree_addtext);
CREATE OPERATOR || (LEFTARG = text, RIGHTARG = ltree, PROCEDURE = ltree_textadd);
CREATE OPERATOR ~ (LEFTARG = lquery, RIGHTARG = ltree, PROCEDURE = ltq_rregex, COMMUTATOR = ~, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ~ (LEFTARG = ltree, RIGHTARG = lquery, PROCEDURE = ltq_regex, COMMUTATOR = ~, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^~ (LEFTARG = lquery, RIGHTARG = ltree, PROCEDURE = ltq_rregex, COMMUTATOR = ^~, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^~ (LEFTARG = ltree, RIGHTARG = lquery, PROCEDURE = ltq_regex, COMMUTATOR = ^~, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ? (LEFTARG = lquery[], RIGHTARG = ltree, PROCEDURE = lt_q_rregex, COMMUTATOR = ?, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ? (LEFTARG = ltree, RIGHTARG = lquery[], PROCEDURE = lt_q_regex, COMMUTATOR = ?, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^? (LEFTARG = lquery[], RIGHTARG = ltree, PROCEDURE = lt_q_rregex, COMMUTATOR = ^?, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^? (LEFTARG = ltree, RIGHTARG = lquery[], PROCEDURE = lt_q_regex, COMMUTATOR = ^?, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR @ (LEFTARG = ltxtquery, RIGHTARG = ltree, PROCEDURE = ltxtq_rexec, COMMUTATOR = @, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR @ (LEFTARG = ltree, RIGHTARG = ltxtquery, PROCEDURE = ltxtq_exec, COMMUTATOR = @, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^@ (LEFTARG = ltxtquery, RIGHTARG = ltree, PROCEDURE = ltxtq_rexec, COMMUTATOR = ^@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^@ (LEFTARG = ltree, RIGHTARG = ltxtquery, PROCEDURE = ltxtq_exec, COMMUTATOR = ^@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR <@ (LEFTARG = ltree, RIGHTARG = ltree[], PROCEDURE = _ltree_r_isparent, COMMUTATOR = @>, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR @> (LEFTARG = ltree[], RIGHTARG = ltree, PROCEDURE = _ltree_isparent, COMMUTATOR = <@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR @> (LEFTARG = ltree, RIGHTARG = ltree[], PROCEDURE = _ltree_r_risparent, COMMUTATOR = <@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR <@ (LEFTARG = ltree[], RIGHTARG = ltree, PROCEDURE = _ltree_risparent, COMMUTATOR = @>, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ~ (LEFTARG = lquery, RIGHTARG = ltree[], PROCEDURE = _ltq_rregex, COMMUTATOR = ~, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ~ (LEFTARG = ltree[], RIGHTARG = lquery, PROCEDURE = _ltq_regex, COMMUTATOR = ~, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ? (LEFTARG = lquery[], RIGHTARG = ltree[], PROCEDURE = _lt_q_rregex, COMMUTATOR = ?, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ? (LEFTARG = ltree[], RIGHTARG = lquery[], PROCEDURE = _lt_q_regex, COMMUTATOR = ?, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR @ (LEFTARG = ltxtquery, RIGHTARG = ltree[], PROCEDURE = _ltxtq_rexec, COMMUTATOR = @, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR @ (LEFTARG = ltree[], RIGHTARG = ltxtquery, PROCEDURE = _ltxtq_exec, COMMUTATOR = @, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^<@ (LEFTARG = ltree, RIGHTARG = ltree[], PROCEDURE = _ltree_r_isparent, COMMUTATOR = ^@>, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^@> (LEFTARG = ltree[], RIGHTARG = ltree, PROCEDURE = _ltree_isparent, COMMUTATOR = ^<@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^@> (LEFTARG = ltree, RIGHTARG = ltree[], PROCEDURE = _ltree_r_risparent, COMMUTATOR = ^<@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^<@ (LEFTARG = ltree[], RIGHTARG = ltree, PROCEDURE = _ltree_risparent, COMMUTATOR = ^@>, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^~ (LEFTARG = lquery, RIGHTARG = ltree[], PROCEDURE = _ltq_rregex, COMMUTATOR = ^~, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^~ (LEFTARG = ltree[], RIGHTARG = lquery, PROCEDURE = _ltq_regex, COMMUTATOR = ^~, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^? (LEFTARG = lquery[], RIGHTARG = ltree[], PROCEDURE = _lt_q_rregex, COMMUTATOR = ^?, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^? (LEFTARG = ltree[], RIGHTARG = lquery[], PROCEDURE = _lt_q_regex, COMMUTATOR = ^?, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^@ (LEFTARG = ltxtquery, RIGHTARG = ltree[], PROCEDURE = _ltxtq_rexec, COMMUTATOR = ^@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ^@ (LEFTARG = ltree[], RIGHTARG = ltxtquery, PROCEDURE = _ltxtq_exec, COMMUTATOR = ^@, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR ?@> (LEFTARG = ltree[], RIGHTARG = ltree, PROCEDURE = _ltree_extract_isparent);
CREATE OPERATOR ?<@ (LEFTARG = ltree[], RIGHTARG = ltree, PROCEDURE = _ltree_extract_risparent);
CREATE OPERATOR ?~ (LEFTARG = ltree[], RIGHTARG = lquery, PROCEDURE = _ltq_extract_regex);
CREATE OPERATOR ?@ (LEFTARG = ltree[], RIGHTARG = ltxtquery, PROCEDURE = _ltxtq_extract_exec);
CREATE OPERATOR CLASS ltree_ops DEFAULT FOR TYPE ltree USING btree AS
    OPERATOR 1 <,
    OPERATOR 2 <=,
    OPERATOR 3 =,
    OPERATOR 4 >=,
    OPERATOR 5 >,
    FUNCTION 1 ltree_cmp(ltree, ltree);
CREATE OPERATOR CLASS gist_ltree_ops DEFAULT FOR TYPE ltree USING gist AS
    OPERATOR 1 <,
    OPERATOR 2 <=,
    OPERATOR 3 =,
    OPERATOR 4 >=,
    OPERATOR 5 >,
    OPERATOR 10 @>,
    OPERATOR 11 <@,
    OPERATOR 12 ~ (ltree, lquery),
    OPERATOR 13 ~ (lquery, ltree),
    OPERATOR 14 @ (ltree, ltxtquery),
    OPERATOR 15 @ (ltxtquery, ltree),
    OPERATOR 16 ? (ltree, lquery[]),
    OPERATOR 17 ? (lquery[], ltree),
    FUNCTION 1 ltree_consistent(internal, ltree, int2, oid, internal);
CREATE OPERATOR CLASS gist__ltree_ops DEFAULT FOR TYPE ltree[] USING gist AS
    OPERATOR 10 <@ (ltree[], ltree),
    OPERATOR 11 @> (ltree, ltree[]),
    OPERATOR 12 ~ (ltree[], lquery),
    OPERATOR 13 ~ (lquery, ltree[]),
    OPERATOR 14 @ (ltree[], ltxtquery),
    OPERATOR 15 @ (ltxtquery, ltree[]),
    OPERATOR 16 ? (ltree[], lquery[]),
    OPERATOR 17 ? (lquery[], ltree[]),
    FUNCTION 1 _ltree_consistent(internal, ltree[], int2, oid, internal);

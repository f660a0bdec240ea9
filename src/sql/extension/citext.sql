CREATE TYPE citext;
CREATE FUNCTION citextin(cstring) RETURNS citext LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citextin';
CREATE FUNCTION citextout(citext) RETURNS cstring LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citextout';
CREATE FUNCTION citextrecv(internal) RETURNS citext LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citextrecv';
CREATE FUNCTION citextsend(citext) RETURNS bytea LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citextsend';
CREATE TYPE citext (INPUT = citextin, OUTPUT = citextout, RECEIVE = citextrecv, SEND = citextsend, INTERNALLENGTH = VARIABLE, STORAGE = extended, CATEGORY = 'S', PREFERRED = false, COLLATABLE = true);
CREATE FUNCTION citext(bpchar) RETURNS citext LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'rtrim1';
CREATE FUNCTION citext(boolean) RETURNS citext LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'booltext';
CREATE FUNCTION citext(inet) RETURNS citext LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'network_show';
CREATE CAST (citext AS text) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (citext AS varchar) WITHOUT FUNCTION AS IMPLICIT;
CREATE CAST (citext AS bpchar) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (text AS citext) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (varchar AS citext) WITHOUT FUNCTION AS ASSIGNMENT;
CREATE CAST (bpchar AS citext) WITH FUNCTION citext(bpchar) AS ASSIGNMENT;
CREATE CAST (boolean AS citext) WITH FUNCTION citext(boolean) AS ASSIGNMENT;
CREATE CAST (inet AS citext) WITH FUNCTION citext(inet) AS ASSIGNMENT;
CREATE FUNCTION citext_eq(citext, citext) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_eq';
CREATE FUNCTION citext_ne(citext, citext) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_ne';
CREATE FUNCTION citext_lt(citext, citext) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_lt';
CREATE FUNCTION citext_le(citext, citext) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_le';
CREATE FUNCTION citext_gt(citext, citext) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_gt';
CREATE FUNCTION citext_ge(citext, citext) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_ge';
CREATE OPERATOR = (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = citext_eq, COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR <> (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = citext_ne, COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel);
CREATE OPERATOR < (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = citext_lt, COMMUTATOR = >, NEGATOR = >=, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR <= (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = citext_le, COMMUTATOR = >=, NEGATOR = >, RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR >= (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = citext_ge, COMMUTATOR = <=, NEGATOR = <, RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR > (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = citext_gt, COMMUTATOR = <, NEGATOR = <=, RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE FUNCTION citext_cmp(citext, citext) RETURNS int4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_cmp';
CREATE FUNCTION citext_hash(citext) RETURNS int4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_hash';
CREATE FUNCTION citext_hash_extended(citext, int8) RETURNS int8 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_hash_extended';
CREATE OPERATOR CLASS citext_ops DEFAULT FOR TYPE citext USING btree AS
    OPERATOR 1 <,
    OPERATOR 2 <=,
    OPERATOR 3 =,
    OPERATOR 4 >=,
    OPERATOR 5 >,
    FUNCTION 1 citext_cmp(citext, citext);
CREATE OPERATOR CLASS citext_ops DEFAULT FOR TYPE citext USING hash AS
    OPERATOR 1 =,
    FUNCTION 1 citext_hash(citext),
    FUNCTION 2 citext_hash_extended(citext, int8);
CREATE FUNCTION citext_smaller(citext, citext) RETURNS citext LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_smaller';
CREATE FUNCTION citext_larger(citext, citext) RETURNS citext LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_larger';
CREATE AGGREGATE min(citext) (SFUNC = citext_smaller, STYPE = citext, SORTOP = <, PARALLEL = SAFE, COMBINEFUNC = citext_smaller);
CREATE AGGREGATE max(citext) (SFUNC = citext_larger, STYPE = citext, SORTOP = >, PARALLEL = SAFE, COMBINEFUNC = citext_larger);
CREATE FUNCTION texticlike(citext, citext) RETURNS bool LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'texticlike';
CREATE FUNCTION texticnlike(citext, citext) RETURNS bool LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'texticnlike';
CREATE FUNCTION texticregexeq(citext, citext) RETURNS bool LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'texticregexeq';
CREATE FUNCTION texticregexne(citext, citext) RETURNS bool LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'texticregexne';
CREATE OPERATOR ~ (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = texticregexeq, NEGATOR = !~, RESTRICT = icregexeqsel, JOIN = icregexeqjoinsel);
CREATE OPERATOR ~* (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = texticregexeq, NEGATOR = !~*, RESTRICT = icregexeqsel, JOIN = icregexeqjoinsel);
CREATE OPERATOR !~ (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = texticregexne, NEGATOR = ~, RESTRICT = icregexnesel, JOIN = icregexnejoinsel);
CREATE OPERATOR !~* (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = texticregexne, NEGATOR = ~*, RESTRICT = icregexnesel, JOIN = icregexnejoinsel);
CREATE OPERATOR ~~ (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = texticlike, NEGATOR = !~~, RESTRICT = iclikesel, JOIN = iclikejoinsel);
CREATE OPERATOR ~~* (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = texticlike, NEGATOR = !~~*, RESTRICT = iclikesel, JOIN = iclikejoinsel);
CREATE OPERATOR !~~ (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = texticnlike, NEGATOR = ~~, RESTRICT = icnlikesel, JOIN = icnlikejoinsel);
CREATE OPERATOR !~~* (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = texticnlike, NEGATOR = ~~*, RESTRICT = icnlikesel, JOIN = icnlikejoinsel);
CREATE FUNCTION texticlike(citext, text) RETURNS bool LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'texticlike';
CREATE FUNCTION texticnlike(citext, text) RETURNS bool LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'texticnlike';
CREATE FUNCTION texticregexeq(citext, text) RETURNS bool LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'texticregexeq';
CREATE FUNCTION texticregexne(citext, text) RETURNS bool LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'texticregexne';
CREATE OPERATOR ~ (LEFTARG = citext, RIGHTARG = text, PROCEDURE = texticregexeq, NEGATOR = !~, RESTRICT = icregexeqsel, JOIN = icregexeqjoinsel);
CREATE OPERATOR ~* (LEFTARG = citext, RIGHTARG = text, PROCEDURE = texticregexeq, NEGATOR = !~*, RESTRICT = icregexeqsel, JOIN = icregexeqjoinsel);
CREATE OPERATOR !~ (LEFTARG = citext, RIGHTARG = text, PROCEDURE = texticregexne, NEGATOR = ~, RESTRICT = icregexnesel, JOIN = icregexnejoinsel);
CREATE OPERATOR !~* (LEFTARG = citext, RIGHTARG = text, PROCEDURE = texticregexne, NEGATOR = ~*, RESTRICT = icregexnesel, JOIN = icregexnejoinsel);
CREATE OPERATOR ~~ (LEFTARG = citext, RIGHTARG = text, PROCEDURE = texticlike, NEGATOR = !~~, RESTRICT = iclikesel, JOIN = iclikejoinsel);
CREATE OPERATOR ~~* (LEFTARG = citext, RIGHTARG = text, PROCEDURE = texticlike, NEGATOR = !~~*, RESTRICT = iclikesel, JOIN = iclikejoinsel);
CREATE OPERATOR !~~ (LEFTARG = citext, RIGHTARG = text, PROCEDURE = texticnlike, NEGATOR = ~~, RESTRICT = icnlikesel, JOIN = icnlikejoinsel);
CREATE OPERATOR !~~* (LEFTARG = citext, RIGHTARG = text, PROCEDURE = texticnlike, NEGATOR = ~~*, RESTRICT = icnlikesel, JOIN = icnlikejoinsel);
CREATE FUNCTION citext_pattern_lt(citext, citext) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_pattern_lt';
CREATE FUNCTION citext_pattern_le(citext, citext) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_pattern_le';
CREATE FUNCTION citext_pattern_gt(citext, citext) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_pattern_gt';
CREATE FUNCTION citext_pattern_ge(citext, citext) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_pattern_ge';
CREATE OPERATOR ~<~ (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = citext_pattern_lt, COMMUTATOR = ~>~, NEGATOR = ~>=~, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR ~<=~ (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = citext_pattern_le, COMMUTATOR = ~>=~, NEGATOR = ~>~, RESTRICT = scalarlesel, JOIN = scalarlejoinsel);
CREATE OPERATOR ~>=~ (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = citext_pattern_ge, COMMUTATOR = ~<=~, NEGATOR = ~<~, RESTRICT = scalargesel, JOIN = scalargejoinsel);
CREATE OPERATOR ~>~ (LEFTARG = citext, RIGHTARG = citext, PROCEDURE = citext_pattern_gt, COMMUTATOR = ~<~, NEGATOR = ~<=~, RESTRICT = scalargtsel, JOIN = scalargtjoinsel);
CREATE FUNCTION citext_pattern_cmp(citext, citext) RETURNS int4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'citext_pattern_cmp';
CREATE OPERATOR CLASS citext_pattern_ops FOR TYPE citext USING btree AS
    OPERATOR 1 ~<~,
    OPERATOR 2 ~<=~,
    OPERATOR 3 =,
    OPERATOR 4 ~>=~,
    OPERATOR 5 ~>~,
    FUNCTION 1 citext_pattern_cmp(citext, citext);
CREATE FUNCTION regexp_match(citext, citext) RETURNS text[] LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.regexp_match($1::pg_catalog.text, $2::pg_catalog.text, 'i')
$$;
CREATE FUNCTION regexp_match(citext, citext, text) RETURNS text[] LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.regexp_match($1::pg_catalog.text, $2::pg_catalog.text, CASE WHEN pg_catalog.strpos($3, 'c') = 0 THEN $3 || 'i' ELSE $3 END)
$$;
CREATE FUNCTION regexp_matches(citext, citext) RETURNS SETOF text[] LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE ROWS 1 AS $$
    SELECT pg_catalog.regexp_matches($1::pg_catalog.text, $2::pg_catalog.text, 'i')
$$;
CREATE FUNCTION regexp_matches(citext, citext, text) RETURNS SETOF text[] LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE ROWS 10 AS $$
    SELECT pg_catalog.regexp_matches($1::pg_catalog.text, $2::pg_catalog.text, CASE WHEN pg_catalog.strpos($3, 'c') = 0 THEN $3 || 'i' ELSE $3 END)
$$;
CREATE FUNCTION regexp_split_to_array(citext, citext) RETURNS text[] LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.regexp_split_to_array($1::pg_catalog.text, $2::pg_catalog.text, 'i')
$$;
CREATE FUNCTION regexp_split_to_array(citext, citext, text) RETURNS text[] LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.regexp_split_to_array($1::pg_catalog.text, $2::pg_catalog.text, CASE WHEN pg_catalog.strpos($3, 'c') = 0 THEN $3 || 'i' ELSE $3 END)
$$;
CREATE FUNCTION regexp_split_to_table(citext, citext) RETURNS SETOF text LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.regexp_split_to_table($1::pg_catalog.text, $2::pg_catalog.text, 'i')
$$;
CREATE FUNCTION regexp_split_to_table(citext, citext, text) RETURNS SETOF text LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.regexp_split_to_table($1::pg_catalog.text, $2::pg_catalog.text, CASE WHEN pg_catalog.strpos($3, 'c') = 0 THEN $3 || 'i' ELSE $3 END)
$$;
CREATE FUNCTION regexp_replace(citext, citext, text) RETURNS text LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.regexp_replace($1::pg_catalog.text, $2::pg_catalog.text, $3, 'i')
$$;
CREATE FUNCTION regexp_replace(citext, citext, text, text) RETURNS text LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.regexp_replace($1::pg_catalog.text, $2::pg_catalog.text, $3, CASE WHEN pg_catalog.strpos($4, 'c') = 0 THEN $4 || 'i' ELSE $4 END)
$$;
CREATE FUNCTION strpos(citext, citext) RETURNS integer LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.strpos(pg_catalog.lower($1::pg_catalog.text), pg_catalog.lower($2::pg_catalog.text))
$$;
CREATE FUNCTION replace(citext, citext, citext) RETURNS text LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.regexp_replace($1::pg_catalog.text, pg_catalog.regexp_replace($2::pg_catalog.text, '([^a-zA-Z_0-9])', E'\\\\\\1', 'g'), $3::pg_catalog.text, 'gi')
$$;
CREATE FUNCTION split_part(citext, citext, integer) RETURNS text LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (pg_catalog.regexp_split_to_array($1::pg_catalog.text, pg_catalog.regexp_replace($2::pg_catalog.text, '([^a-zA-Z_0-9])', E'\\\\\\1', 'g'), 'i'))[$3]
$$;
CREATE FUNCTION translate(citext, citext, text) RETURNS text LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT pg_catalog.translate(pg_catalog.translate($1::pg_catalog.text, pg_catalog.lower($2::pg_catalog.text), $3), pg_catalog.upper($2::pg_catalog.text), $3)
$$;

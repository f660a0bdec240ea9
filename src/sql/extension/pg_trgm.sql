-- Left out: the type gtrgm and the functions about it, which an index here does not call; regular expressions in the
-- operator classes.
CREATE FUNCTION set_limit(float4) RETURNS float4 LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'set_limit';
CREATE FUNCTION show_limit() RETURNS float4 LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'show_limit';
CREATE FUNCTION show_trgm(text) RETURNS text[] LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'show_trgm';
CREATE FUNCTION similarity(text, text) RETURNS float4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'similarity';
CREATE FUNCTION similarity_op(text, text) RETURNS bool LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'similarity_op';
CREATE OPERATOR % (LEFTARG = text, RIGHTARG = text, PROCEDURE = similarity_op, COMMUTATOR = %, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE FUNCTION word_similarity(text, text) RETURNS float4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'word_similarity';
CREATE FUNCTION word_similarity_op(text, text) RETURNS bool LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'word_similarity_op';
CREATE FUNCTION word_similarity_commutator_op(text, text) RETURNS bool LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'word_similarity_commutator_op';
CREATE OPERATOR <% (LEFTARG = text, RIGHTARG = text, PROCEDURE = word_similarity_op, COMMUTATOR = %>, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR %> (LEFTARG = text, RIGHTARG = text, PROCEDURE = word_similarity_commutator_op, COMMUTATOR = <%, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE FUNCTION similarity_dist(text, text) RETURNS float4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'similarity_dist';
CREATE OPERATOR <-> (LEFTARG = text, RIGHTARG = text, PROCEDURE = similarity_dist, COMMUTATOR = <->);
CREATE FUNCTION word_similarity_dist_op(text, text) RETURNS float4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'word_similarity_dist_op';
CREATE FUNCTION word_similarity_dist_commutator_op(text, text) RETURNS float4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'word_similarity_dist_commutator_op';
CREATE OPERATOR <<-> (LEFTARG = text, RIGHTARG = text, PROCEDURE = word_similarity_dist_op, COMMUTATOR = <->>);
CREATE OPERATOR <->> (LEFTARG = text, RIGHTARG = text, PROCEDURE = word_similarity_dist_commutator_op, COMMUTATOR = <<->);
CREATE FUNCTION strict_word_similarity(text, text) RETURNS float4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'strict_word_similarity';
CREATE FUNCTION strict_word_similarity_op(text, text) RETURNS bool LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'strict_word_similarity_op';
CREATE FUNCTION strict_word_similarity_commutator_op(text, text) RETURNS bool LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'strict_word_similarity_commutator_op';
CREATE OPERATOR <<% (LEFTARG = text, RIGHTARG = text, PROCEDURE = strict_word_similarity_op, COMMUTATOR = %>>, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE OPERATOR %>> (LEFTARG = text, RIGHTARG = text, PROCEDURE = strict_word_similarity_commutator_op, COMMUTATOR = <<%, RESTRICT = matchingsel, JOIN = matchingjoinsel);
CREATE FUNCTION strict_word_similarity_dist_op(text, text) RETURNS float4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'strict_word_similarity_dist_op';
CREATE FUNCTION strict_word_similarity_dist_commutator_op(text, text) RETURNS float4 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'strict_word_similarity_dist_commutator_op';
CREATE OPERATOR <<<-> (LEFTARG = text, RIGHTARG = text, PROCEDURE = strict_word_similarity_dist_op, COMMUTATOR = <->>>);
CREATE OPERATOR <->>> (LEFTARG = text, RIGHTARG = text, PROCEDURE = strict_word_similarity_dist_commutator_op, COMMUTATOR = <<<->);
CREATE FUNCTION gin_extract_value_trgm(text, internal) RETURNS internal LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gin_extract_value_trgm';
CREATE FUNCTION gin_extract_query_trgm(text, internal, int2, internal, internal, internal, internal) RETURNS internal LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gin_extract_query_trgm';
CREATE FUNCTION gin_trgm_consistent(internal, int2, text, int4, internal, internal, internal, internal) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gin_trgm_consistent';
CREATE OPERATOR CLASS gin_trgm_ops FOR TYPE text USING gin AS
    OPERATOR 1 % (text, text),
    OPERATOR 3 pg_catalog.~~ (text, text),
    OPERATOR 4 pg_catalog.~~* (text, text),
    OPERATOR 7 %> (text, text),
    OPERATOR 9 %>> (text, text),
    OPERATOR 11 pg_catalog.= (text, text),
    FUNCTION 1 btint4cmp(int4, int4),
    FUNCTION 2 gin_extract_value_trgm(text, internal),
    FUNCTION 3 gin_extract_query_trgm(text, internal, int2, internal, internal, internal, internal),
    FUNCTION 4 gin_trgm_consistent(internal, int2, text, int4, internal, internal, internal, internal),
    STORAGE int4;
CREATE FUNCTION gtrgm_consistent(internal, text, int2, oid, internal) RETURNS bool LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gtrgm_consistent';
CREATE FUNCTION gtrgm_distance(internal, text, int2, oid, internal) RETURNS float8 LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'gtrgm_distance';
CREATE OPERATOR CLASS gist_trgm_ops FOR TYPE text USING gist AS
    OPERATOR 1 % (text, text),
    OPERATOR 2 <-> (text, text) FOR ORDER BY pg_catalog.float_ops,
    OPERATOR 3 pg_catalog.~~ (text, text),
    OPERATOR 4 pg_catalog.~~* (text, text),
    OPERATOR 7 %> (text, text),
    OPERATOR 8 <->> (text, text) FOR ORDER BY pg_catalog.float_ops,
    OPERATOR 9 %>> (text, text),
    OPERATOR 10 <->>> (text, text) FOR ORDER BY pg_catalog.float_ops,
    OPERATOR 11 pg_catalog.= (text, text),
    FUNCTION 1 gtrgm_consistent(internal, text, int2, oid, internal),
    FUNCTION 8 gtrgm_distance(internal, text, int2, oid, internal);

-- Left out: dmetaphone and dmetaphone_alt.
CREATE FUNCTION levenshtein(text, text) RETURNS int LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'levenshtein';
CREATE FUNCTION levenshtein(text, text, int, int, int) RETURNS int LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'levenshtein_with_costs';
CREATE FUNCTION levenshtein_less_equal(text, text, int) RETURNS int LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'levenshtein_less_equal';
CREATE FUNCTION levenshtein_less_equal(text, text, int, int, int, int) RETURNS int LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'levenshtein_less_equal_with_costs';
CREATE FUNCTION metaphone(text, int) RETURNS text LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'metaphone';
CREATE FUNCTION soundex(text) RETURNS text LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'soundex';
CREATE FUNCTION text_soundex(text) RETURNS text LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'soundex';
CREATE FUNCTION difference(text, text) RETURNS int LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'difference';

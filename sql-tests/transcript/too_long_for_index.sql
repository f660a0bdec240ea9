-- What is too long for an index, by which it is told.
\set VERBOSITY verbose
create schema long_s;
create table long_s.t (a text);
create index "Long i" on long_s.t (a);
insert into long_s.t values ('short'), ((select string_agg(md5(i::text), '') from generate_series(1, 100) i));
drop index long_s."Long i";
insert into long_s.t values ((select string_agg(md5(i::text), '') from generate_series(1, 100) i));
create unique index on long_s.t ((a || 'x'));
drop schema long_s cascade;

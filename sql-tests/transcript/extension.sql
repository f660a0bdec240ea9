-- CREATE, ALTER and DROP EXTENSION: what they say.
create extension nonesuch;
create extension if not exists "a/b";
create extension "a--b";
create extension "-b";
create extension "";
create extension "uuid-ossp" schema public schema public;
create extension "uuid-ossp" version '7';
create extension "uuid-ossp" schema nope;
create extension "uuid-ossp";
create extension "uuid-ossp";
create extension if not exists "uuid-ossp";
\dx
\dx+ "uuid-ossp"
drop function uuid_generate_v4();
drop function uuid_generate_v4() cascade;
\sf uuid_generate_v5
\df+ uuid_generate_v5
drop extension nope;
drop extension if exists nope, "uuid-oss";
alter extension "uuid-ossp" update;
alter extension "uuid-ossp" update to '9';
alter extension nope update;
create schema s2;
alter extension "uuid-ossp" set schema s2;
create function s2.q() returns int language sql as 'select 1';
alter extension "uuid-ossp" add function s2.q();
alter extension "uuid-ossp" add function s2.q();
drop function s2.q();
alter extension "uuid-ossp" drop function s2.q();
alter extension "uuid-ossp" drop function s2.q();
alter extension "uuid-ossp" add schema s2;
alter extension plpgsql set schema s2;
create table t(a uuid default s2.uuid_generate_v1());
create view v as select s2.uuid_generate_v1mc() x;
drop schema s2;
drop extension "uuid-ossp";
begin;
drop schema s2 cascade;
rollback;
drop extension "uuid-ossp" cascade;
drop table t;
create role transcript_nobody;
set role transcript_nobody;
create extension "uuid-ossp";
drop extension plpgsql;
comment on extension plpgsql is 'mine';
reset role;
drop role transcript_nobody;
drop language plpgsql;
comment on extension plpgsql is 'x';
\dx
comment on extension nope is 'x';
create function q() returns int language c as 'nope', 'nope';
create function q() returns int language c as 'nope';
create function q() returns int language internal as 'nope';
create function q(int) returns int language internal as 'int4abs' immutable strict;
\sf q(int)
select * from pg_extension_update_paths('nope');
drop function q(int);

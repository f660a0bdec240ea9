-- Options of relations, of VACUUM and of COPY; what DROP IF EXISTS makes of names that lead nowhere.
create table o (a int, b text) with (fillfactor = 30, fillfactor = 40);
create table o (a int, b text) with (fillfactor = -30.1);
create table o (a int, b text) with (autovacuum_enabled = of, vacuum_index_cleanup = yes);
select reloptions from pg_class where relname = 'o';
alter table o set (vacuum_index_cleanup = maybe);
alter table o set (toast.vacuum_index_cleanup = true, vacuum_index_cleanup = 0, fillfactor = 40.4);
select reloptions from pg_class where relname = 'o';
create index o_i on o using gist (int4range(a, a)) with (buffering = perhaps);
create view o_v with (check_option = none) as select * from o;
vacuum (parallel) o;
vacuum (parallel -1) o;
vacuum (parallel 1025) o;
vacuum (parallel 2, full) o;
vacuum (parallel 0, full) o;
create temp table o_t (a int primary key, b int);
vacuum (parallel 1) o_t;
create index on o_t (b);
vacuum (parallel 1) o_t;
vacuum (parallel 0) o_t;
vacuum o (a);
vacuum (analyze) o (a, b, a);
analyze o (b, c);
create table o_p (a int, b text) partition by list (a);
create table o_p1 partition of o_p for values in (1);
copy o_p from '/dev/null' (freeze);
copy o_p from stdin (freeze false);
1	x
\.
copy o from stdin (header match);
a	\N
\.
copy o from stdin (header match, null 'b');
a	b
\.
drop function if exists o_f(no_type);
drop function if exists o_f(no_schema.no_type);
drop function o_f(no_type);
drop aggregate if exists o_f(no_type);
drop trigger if exists t on no_schema.no_table;
drop trigger t on no_schema.no_table;
drop trigger if exists t on public.no_table;
drop rule if exists r on no_schema.no_table;
drop rule if exists r on no_table;
drop operator if exists no_schema.+ (int, int);
drop operator no_schema.+ (int, int);
drop operator public.+ (int, int);
drop operator ### (int, none);
comment on operator ### (int4, none) is 'none';
create type o_y as (a int, b text);
create table o_y1 of o_y (a with options generated always as identity);
create table o_p2 partition of o_p (a with options generated always as identity) for values in (2);
create unlogged table o_u (a int generated always as identity, b serial);
select nextval('o_u_a_seq'), setval('o_u_b_seq', 41);
alter table o_u set logged;
select relname, relpersistence from pg_class where relname ~ '^o_u' order by 1;
select nextval('o_u_a_seq'), nextval('o_u_b_seq');
alter table o_u set unlogged;
select relname, relpersistence from pg_class where relname ~ '^o_u' order by 1;
select nextval('o_u_a_seq'), nextval('o_u_b_seq');
set local work_mem = '1MB';
set local work_mem = '1MB' \; select 1;
set transaction read only \; select 2;
set transaction read only;

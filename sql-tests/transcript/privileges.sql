create role fk_a login; create role fk_b noinherit; create role fk_c; create role "fk-d e" password 'md5aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
create table t1(i int primary key, j int); grant select, insert on t1 to fk_a with grant option; grant update (j) on t1 to fk_b, "fk-d e"; grant select on t1 to public;
\dp t1
alter role fk_a rename to fk_aa; alter role "fk-d e" rename to fk_dd; alter role fk_b rename to pg_x; 
\dp t1
select rolname, rolpassword is null from pg_authid where rolname like 'fk\_%' order by 1;
drop role fk_aa; drop role fk_b; drop role fk_dd;
set role fk_aa; select * from t1; insert into t1 values (1,1); update t1 set j=2; reset role;
grant fk_aa to fk_b; set role fk_b; insert into t1 values (2,2); set role fk_aa; insert into t1 values (3,3); reset role;
alter table t1 owner to fk_c;
\dp t1
create function f1(int) returns int language sql as 'select $1'; revoke execute on function f1(int) from public; grant execute on function f1 to fk_aa;
\df+ f1
select proacl from pg_proc where proname='f1';
set role fk_aa; select f1(2); set role fk_c; select f1(2); reset role;
grant execute on all functions in schema public to fk_c; select proacl from pg_proc where proname='f1';
alter default privileges grant select on tables to fk_aa; alter default privileges in schema public grant insert on tables to fk_b with grant option;
alter default privileges for role fk_c grant all on sequences to public; alter default privileges revoke execute on functions from public; alter default privileges revoke usage on types from public;
\ddp
create table t2(i int); create sequence s2; create function f2() returns int language sql as 'select 1'; create type e2 as enum ('x'); create view v2 as select 1 a; create schema sc2;
\dp t2
\dp v2
\dp s2
select proacl from pg_proc where proname='f2'; select typacl from pg_type where typname in ('e2') order by typname;
select nspacl from pg_namespace where nspname='sc2';
drop role fk_b; drop role fk_c;
alter default privileges in schema public revoke all on tables from fk_b; alter default privileges revoke select on tables from fk_aa; alter default privileges grant execute on functions to public; alter default privileges grant usage on types to public;
\ddp
alter default privileges in schema public grant usage on schemas to fk_c; alter default privileges grant usage on tables to fk_c; alter default privileges for role nosuch grant select on tables to fk_c; alter default privileges in schema nosuch grant select on tables to fk_c; alter default privileges grant select on tables to public with grant option;
create table t3(i int); alter table t3 owner to fk_c; create schema sc3 authorization fk_c; create view v3 as select * from t1;
drop role fk_c;
reassign owned by fk_c to fk_aa;
\dt t*
drop role fk_c;
drop owned by fk_c; drop role fk_c;
drop owned by fk_aa; drop owned by fk_aa cascade; drop role fk_aa; drop owned by fk_b, fk_dd; drop role fk_b, fk_dd;
\dp
reassign owned by postgres to nosuch; drop owned by postgres; drop owned by nosuch;

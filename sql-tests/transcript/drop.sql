create table a(id int primary key, x int);
create table b(id int primary key, a int references a, aa int references a(id));
create view v1 as select id from a;
create view v2 as select id from v1;
create view v3 as select a.id, v1.id as i from a, v1;
create table c(id serial primary key, r a, arr a[]);
create sequence s1;
create table d(x int default nextval('s1'), y bigint default nextval('s1'::regclass)+1, z text default 's1');
create view vs as select nextval('s1') n;
create table id1(x int generated always as identity);
create materialized view mv as select x from a;
create index on mv(x);
drop table a;
drop table a restrict;
drop sequence s1;
drop sequence c_id_seq;
drop view v1;
begin; drop view v1 cascade; rollback;
begin; drop sequence s1 cascade; \d d
rollback;
begin; drop table a cascade; \d b
\d c
rollback;
alter table a drop constraint a_pkey;
begin; alter table a drop constraint a_pkey cascade; rollback;
alter table a drop column id;
begin; alter table a drop column id cascade; \d b
rollback;
alter table a drop column x;
begin; alter table a drop column x cascade; rollback;
drop table a, b;
begin; drop table a, b cascade; rollback;
begin; drop table a, v1, v2, v3, c cascade; rollback;
drop sequence id1_x_seq;
drop index a_pkey;
drop table c;
drop table id1;
create schema sc;
create table sc.t(i int primary key);
create table sc.u(i int references sc.t);
create table outer1(i int references sc.t);
create view sc.v as select * from sc.t;
create view ov as select * from sc.v;
create type sc.e as enum('a');
create domain sc.dom as int;
create table usetypes(e sc.e, ea sc.e[], d sc.dom);
create type sc.comp as (a int, e sc.e);
create sequence sc.sq;
create table usesq(i int default nextval('sc.sq'));
drop schema sc;
begin; drop schema sc cascade; \d usetypes
\d outer1
rollback;
create type e as enum('x','y');
create type comp as (a int, b e);
create domain dm as e;
create table te(i int, e e default 'x', c comp, ca comp[], d dm);
create view ve as select e from te;
drop type e;
begin; drop type e cascade; \d te
rollback;
drop type comp;
begin; drop type comp cascade; \d comp
rollback;
drop domain dm;
begin; drop domain dm cascade;
rollback;
drop type comp, dm;
begin; drop type comp, e cascade; rollback;
create table g(a int, b int generated always as (a*2) stored, c int);
create view gv as select b from g;
alter table g drop column a;
begin; alter table g drop column a cascade; \d g
rollback;
drop table g;
drop table g cascade;
drop table if exists nosuch.x;
drop sequence if exists nosuch;
create unlogged table pu(i int primary key, j int unique);
create table fu(i int, constraint ff foreign key(i) references a(id));
create table p2(i int primary key, p int references p2, k text);
drop table p2;
create table k1(i int primary key); create table k2(i int primary key references k1); alter table k1 add constraint kk foreign key(i) references k2;
drop table k1;
drop table k1, k2;
create table k3(a text, b int, check(a<>'' and b>0), unique(a,b));
create view kv as select b from k3 group by a, b;
alter table k3 drop column a;
alter table k3 drop column a cascade;
\d k3
create temp table tt(i int primary key); create temp view tv as select * from tt; create view pv as select * from tt;
drop table tt;
drop table tt cascade;
create table gk(i int primary key, t text); create view gkv as select i, t from gk group by i;
alter table gk drop constraint gk_pkey;
begin; alter table gk drop constraint gk_pkey cascade; rollback;
drop schema public;
create type rt as (a int); create table rtt(r rt); create table rrr(i int); create view rrv as select 1;
drop type rrr; drop type rrv cascade; drop type public.rrr; drop type rt; drop domain rrr;
drop schema public cascade;

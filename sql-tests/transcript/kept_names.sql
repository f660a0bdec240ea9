-- A view reads what it read when it was made, whatever its tables got since.
create table ta(x int, y int, z int); insert into ta values (1,2,3);
create view va as select t.q from ta t(p,q,r);
alter table ta drop column x;
select * from va;
create table tb(a int, b int); create table tc(a int, c int);
insert into tb values (1,1); insert into tc values (1,1);
create view vb as select tb.b, tc.c from tb natural join tc;
alter table tc add column b int default 5;
select * from vb;
create view vc as select count(*) from (select * from tb union all select * from tb) s;
alter table tb add column d int;
select * from vc;
create view vd as select b from tb where (a,b) in (select * from (values (1,1)) v(k,l));
create view ve as select * from tb where a in (select distinct b from (select * from tc) s);
alter table tc rename column b to bb;
select * from ve;
select pg_get_viewdef('vb',true);
select pg_get_viewdef('va',true);
create view vf as select row(tb) r, tb from tb;
alter table tb add column e int;
select * from vf;
select pg_get_viewdef('vf',true);
create view v1 as select 1 a, 2 b;
create view v2 as select r.d from v1 as r(c,d);
create or replace view v1 as select 1 a,2 b,3 c;
select * from v2;
create view v3 as select d from (v1 cross join tb) as k(c,d);
drop table ta, tb, tc cascade; drop view v1 cascade;
-- Joins with names, merged columns, whole rows, functions in FROM.
create table i8(q1 int8, q2 int8); 
create type nc as (row i8);
create view a1 as select row(i)::nc from i8 i; select pg_get_viewdef('a1',true);
create view a2 as select * from i8 i, lateral(values(i)) ss; select pg_get_viewdef('a2',true);
create view a5 as select * from coalesce(1,2) as c, collation for ('x'::text) col, current_date as d, localtimestamp(3) as t, cast(1+2 as int4) as i4, cast(1+2 as int8) as i8; select pg_get_viewdef('a5',true);
create view a6 as select 42, 43 union all select 42::bigint, 43::bigint; select pg_get_viewdef('a6',true);
create view a9 as select i from i8 i; select pg_get_viewdef('a9',true);
create view b1 as select * from (i8 a join i8 b using (q1)) j where j.q1 > 3 order by j.q1, b; select pg_get_viewdef('b1',true);
create view b2 as select * from (i8 a join i8 b using (q1)) j where j.q1 > 3 order by j.q1; select pg_get_viewdef('b2',true);
create view b3 as select j from (i8 a full join i8 b using (q1)) j; select pg_get_viewdef('b3',true);
create view b4 as select * from i8 a full join i8 b using (q1) where exists (select 1 from i8 z where z.q1 = a.q1 and q1 > 2); select pg_get_viewdef('b4',true);
create view b5 as select x.q1, a.q2 from i8 a join i8 b using (q1) as x; select pg_get_viewdef('b5',true);
create view b6(a,b,c,d,e) as select * from i8 a full join i8 b using (q1), i8 c; select pg_get_viewdef('b6',true);
alter table i8 add column q3 int; alter table i8 rename q1 to qq;
\d+ b6
\d+ b5
\d+ b4
\d+ b2
create view c1 as select 1 from i8 union select qq::int from i8;
select pg_get_viewdef('c1',true);
alter table i8 rename to i9;
\d+ b6
select * from b6;
insert into i9 values (1,2,3),(4,5,6); select * from b6; select * from b2; select * from b4; select * from a9;
create schema s1; alter table i9 set schema s1; select * from b6; select pg_get_viewdef('b6',true); alter schema s1 rename to s2; select * from b6;
drop schema s2 cascade; drop type nc cascade;
-- Rules, policies, bodies.
create table r1(a int, b int); create table r2(a int, c int);
create rule rr as on insert to r1 do also insert into r2 select * from (select new.a, new.b) s;
create rule ru as on update to r1 do also update r2 set c = j.n from (r1 join (values (1,2)) v(a,n) using (a)) j where j.a = r2.a;
create rule rc as on delete to r1 where old.b > 100 do instead nothing;
insert into r1 values (1,1); alter table r2 add column d int; insert into r1 values (2,2); select * from r2; alter table r1 add column n int; update r1 set b = 5; select * from r2 order by 1;
alter table r2 rename c to cc; insert into r1 values (3,3); select * from r2 order by 1;
alter table r1 rename b to bb; insert into r1 values (4,4); delete from r1 where bb = 4; select * from r1 order by 1;
alter table r2 rename to r3; insert into r1 values (5,5); select * from r3 order by 1;
\d+ r1
create policy p1 on r1 using (exists (select * from r3 natural join r1 x where x.a = r1.a));
create policy p2 on r1 for all using (bb > 1) with check (bb > 2);
alter table r3 add column bb int;
alter table r1 rename a to aa;
select policyname, qual, with_check from pg_policies order by 1;
alter policy p2 on r1 with check (bb > 3 and aa > 0);
select policyname, qual, with_check from pg_policies order by 1;
alter policy p1 on r1 with check (aa > 1);
select policyname, qual, with_check from pg_policies order by 1;
create role zu; grant all on r1, r3 to zu; alter table r1 enable row level security; set role zu; select * from r1 order by 1; reset role;
create function at() returns bigint begin atomic select count(*) from r1 x natural join r3; end;
select at();
alter table r1 add column cc int; select at();
alter table r3 rename to r4; select at();
alter table r4 rename cc to cd; select at();
\sf at
alter table r4 drop column cd;
alter table r4 drop column d cascade;
select at();
create view vr as select r4 from r4; alter table r4 add column z text default 'zz'; select * from vr;
select (r4).* from vr;
create view vs as select (v.r4).* from vr v; select * from vs; alter table r4 add column y int; select * from vs;
\d vs
create type ct as (f int, g text); create function fs() returns setof ct language sql as 'select 1, ''x''';
create view vf as select * from fs(); create view vf2 as select f.g from fs() f(m, g);
alter type ct rename attribute f to ff; 
select * from vf; select * from vf2; select pg_get_viewdef('vf'), pg_get_viewdef('vf2');
create table tc(c ct); insert into tc values ((1,'a')); create view vt as select (c).g, (c).ff from tc; alter type ct rename attribute g to gg; select * from vt; select pg_get_viewdef('vt');
create temp table tmp(a int); create view vtmp as select * from tmp; alter table tmp add column b int; select * from vtmp;
create materialized view mv as select * from r4; alter table r4 add column w int; refresh materialized view mv; select * from mv;
\d mv
drop owned by zu; drop role zu;

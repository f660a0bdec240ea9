-- Definitions keep SEARCH and CYCLE; the rows of a sequence and of a path have names.
\pset format unaligned
create table graph (f int, t int, label text);
insert into graph values (1, 2, 'a'), (1, 3, 'b'), (2, 3, 'c'), (3, 1, 'd');
create view v1 as with recursive g(f, t, label) as (
    select * from graph g union all select g.* from graph g, g sg where g.f = sg.t and sg.label < 'd'
) search depth first by f, t set seq select f, t from g order by seq;
create view v2 as with recursive "G G"(f, t, "La") as (
    select * from graph g union all select g.* from graph g, "G G" sg where g.f = sg.t
) search breadth first by f, "La" set seq cycle f, t set is_c to 'Y' default 'N' using p
select f, is_c, p::text, to_json(seq), "La" from "G G" order by seq, p::text;
create view v3 as with recursive s as (
    select f, t from graph g union (select g.f, g.t from graph g, s where g.f = s.t)
) cycle f, t set is_c using p select f, t, is_c from s order by f, t, p;
select pg_get_viewdef('v1'::regclass);
select pg_get_viewdef('v2'::regclass);
select pg_get_viewdef('v3'::regclass, true);
select * from v1;
select * from v2;
select * from v3;
alter table graph rename column label to lab;
select pg_get_viewdef('v2'::regclass);
with recursive x(col) as (
    select 1
    union
    (with x as (select * from x)
     select * from x)
) search depth first by col set seq
select * from x;
select array[row(1, 2)]::text, array[row(1, 2), row(2, 'a')]::varchar;
-- Only names and places of its columns may order a union; what else is wrong with them comes first.
select 1 as x union select 2 order by t.x;
select 1 as x union select 2 order by x + 1;
select 1 as x union select 2 order by y + 1;
select 1 as x union select 2 order by nofn(x);
select 1 as x union (select 2) order by count(x);
select 1 as x union (select 2) order by (select x);
select 1 as x union (select 2) order by generate_series(1, x);

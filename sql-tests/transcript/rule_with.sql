-- Statements that change rows in the WITH of a rule's action.
\pset format unaligned
create table source (f1 int, f2 int);
create table log (f1 int, f2 int, tag text);
create table i4 as select generate_series(0, 3) f1;
create table i5 as select generate_series(10, 11) f1;
create table i6 as select generate_series(20, 21) f1;
create rule r7 as on delete to source do instead
  with wins as (insert into i4 as trgt values (0) returning *),
       wupd as (update i5 trgt set f1 = f1+1 returning *),
       wdel as (delete from i6 trgt where f1 = 20 returning *)
  insert into log as trgt select old.* from wins, wupd, wdel
  returning trgt.f1, trgt.f2;
\d+ source
insert into source values (1, 2), (3, 4);
delete from source where f1 = 1;
insert into i6 values (20);
delete from source where f1 = 3 returning *;
with q as (insert into i4 values (100) returning f1) delete from source using q where source.f1+99 = q.f1 returning *;
select * from log order by 1, 2; select * from i4 order by 1; select * from i5 order by 1; table i6;
create rule r8 as on update to source do also
  with x as (delete from i4 where f1 = old.f1 returning f1) insert into log select f1 from x;
create rule r8 as on update to source do also
  with x as (delete from i4 returning f1) insert into log select f1, new.f2 from x;
update source set f2 = f2 + 1;
select * from log order by 1, 2; select * from i4 order by 1;
create rule r9 as on insert to source do also
  with x as (insert into i4 values (7) returning f1), y as (select 5) select * from x, y;
insert into source values (7, 8);
with z as (select 10 a, 11 b), w as (select * from z) insert into source select w.* from w, z;
select * from source order by 1; select * from i4;
select pg_get_ruledef(oid) from pg_rewrite where rulename in ('r8', 'r9') order by rulename;
create table id1 (i int generated always as identity);
create table id2 (i int generated always as identity);
create table id3 (i int generated always as identity);
create rule r as on insert to id3 do instead
  with t1 as (insert into id1 default values returning i) insert into id2 default values returning i;
with t4 as (insert into id1 default values returning i) insert into id3 default values returning i;
with t1 as (insert into id1 default values returning i) insert into id3 default values returning i;
table id1; table id2; table id3;
create view bad as with x as (insert into i4 values (1) returning f1) select f1 from x;
create materialized view bad as with x as (insert into i4 values (1) returning f1) select f1 from x;
create rule bad as on insert to source do also
  select * from (with x as (insert into i4 values (1) returning f1) select f1 from x) s;

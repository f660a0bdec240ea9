-- Conditions beside policies: what both reading and changing ask is asked once, and what tells of rows waits.
create role reader_of_policies;
create function f_leak(text) returns bool cost 0.0000001 language plpgsql
  as 'begin raise notice ''f_leak => %'', $1; return true; end';
create table rt2 (id int, a int, b text);
create table rt3 (id int, a int, b text);
insert into rt2 values (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c');
insert into rt3 select * from rt2;
grant all on rt2, rt3 to reader_of_policies;
create policy p1 on rt2 for all using (a % 2 = 1);
create policy p2 on rt2 as restrictive for all using (a < 10);
alter table rt2 enable row level security;
set role reader_of_policies;
explain (costs off) update rt2 set b = rt2.b from rt3 where rt2.a = 3 and rt3.a = 2 and f_leak(rt2.b) and f_leak(rt3.b);
update rt2 set b = rt2.b from rt3 where rt2.a = 3 and rt3.a = 2 and f_leak(rt2.b) and f_leak(rt3.b);
explain (costs off) delete from rt2 where a = 1 and f_leak(b);
explain (costs off) select * from rt2 for update;
reset role;
create temp table mine (a int);
explain (verbose, costs off) update mine set a = 1;
explain (verbose, costs off) select 7.14::numeric(10, 2), 5::numeric(5, 0), 1.5, -1.5::numeric(4, 1) from mine;
drop owned by reader_of_policies;
drop role reader_of_policies;

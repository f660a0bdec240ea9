-- A sub-select that runs once costs the rows nothing: the join is planned as if its value were there.
create table ip_a(id int, v int, t text); insert into ip_a select g, g % 100, 'x' from generate_series(1, 20000) g; create table ip_b(a int, u text); insert into ip_b select g, 'y' from generate_series(1, 20000) g; create index on ip_b(a); analyze ip_a; analyze ip_b;
explain (costs off) select * from ip_a where v > (select avg(v) from ip_a) and not exists (select 1 from ip_b where a = ip_a.id);
explain (costs off) select count(*) from ip_a join ip_b on a = id where exists (select 1 from ip_b) and v < (select min(v) + 3 from ip_a);
drop table ip_a, ip_b;

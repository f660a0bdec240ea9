-- Semi joins that a unique index makes plain ones: what is planned, and what comes out.
create table us_a(id int primary key, v int); insert into us_a select g, g % 100 from generate_series(1, 20000) g; create table us_b(a int, b int); insert into us_b select g, g from generate_series(1, 20000) g; create table us_d(x int, y int, v int, unique (x, y)); insert into us_d select g % 100, g, g from generate_series(1, 5000) g; analyze us_a; analyze us_b; analyze us_d;
explain (costs off) select * from us_b where a in (select id from us_a where v = 3) and b < 100;
explain (costs off) select * from us_b where exists (select 1 from us_a where id = us_b.a and v > us_b.b);
explain (costs off) select * from us_b where exists (select 1 from us_d where x = us_b.a and y = us_b.b and v < 10);
explain (costs off) select * from us_b where exists (select 1 from us_d where x = us_b.a and v < 10);
explain (costs off) select * from us_b where a in (select b from us_b);
select count(*) from us_b where a in (select id from us_a where v = 3) and b < 1000; select count(*) from us_b where exists (select 1 from us_d where x = us_b.a and y = us_b.b and v < 10); select count(*) from us_b where exists (select 1 from us_d where x = us_b.a and v < 10);
drop table us_a, us_b, us_d;

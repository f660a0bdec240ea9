-- Of several errors the one that PostgreSQL finds first.
create table t (a int, b int);
select sum(no1) filter (where no2 > 0) from t;
select string_agg(no1, ',' order by no2) filter (where no3 > 0) over (partition by no4) from t;
select array_agg(distinct no1 order by no1) filter (where no2) from t;
select first_value(a) over (partition by no1 order by no2) from t;
select * from t, unnest(t.a, t.b);
-- The offsets of a frame are asked where there is no row, too.
select sum(a) over (order by a rows between -1 preceding and current row) from t;
select rank() over (order by a rows between current row and null following) from t;
-- A query is understood before the new table's name.
create table t as select no1 from t;
create table if not exists t as select * from nowhere;
create table nowhere.x as select * from nothing;
select * into t from nowhere;
-- Names of other databases.
select other.pg_catalog.now();
select * from other.pg_catalog.pg_class;

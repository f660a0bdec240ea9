-- Which rows COPY FROM takes.
create table cw(a int, b text default 'x', g int generated always as (a * 2) stored);
copy cw(a) from stdin where a > 1 and b = 'x';
1
2
3
\.
copy cw(a, b) from stdin where cw.a > 1 and length(b) > 1;
1	aa
2	b
3	cc
\.
copy cw from stdin (format csv) where b is null or tableoid = 'cw'::regclass and a = 9;
7,
8,h
9,i
\.
copy cw(a) from '/dev/null' where (cw.*) is not null;
select * from cw order by a, b;
-- refusals
copy cw(a) from '/dev/null' where g > 2;
copy cw(a) from '/dev/null' where count(*) > 1;
copy cw(a) from '/dev/null' where row_number() over () > 1;
copy cw(a) from '/dev/null' where generate_series(1, a) > 1;
copy cw(a) from '/dev/null' where exists (select 1);
copy cw(a) from '/dev/null' where a;
copy cw(a) from '/dev/null' where nope;
copy cw(a) from '/dev/null' where $1 > 1;
copy cw(a) to stdout where a > 1;
-- lines are counted as they came
copy cw(a) from stdin where 1 / (a - 5) < 2;
4
5
\.
alter table cw add check (a <> 6), add unique (a, b);
copy cw(a) from stdin where a > 4;
1
4
5
6
\.
copy cw(a) from stdin where a > 4;
1
10
4
10
\.
copy cw(a) from stdin where a > 4;
1
5
4
x
\.
-- none
copy cw(a) from stdin where false;
1
2
\.
-- rows that a trigger leaves out are not counted either
create function odd() returns trigger language plpgsql as $$ begin if new.a % 2 = 0 then return null; end if; return new; end $$;
create trigger odd before insert on cw for each row execute function odd();
copy cw(a) from stdin where a > 30;
29
30
31
32
33
\.
drop trigger odd on cw;
-- into partitions
create table cp(a int, b int) partition by range (a);
create table cp1 partition of cp for values from (0) to (1000);
create table cp2 partition of cp for values from (1000) to (100000);
copy cp from stdin where b = 3 and a > 500;
1	3
600	3
700	4
5000	3
-1	4
\.
select tableoid::regclass, count(*), min(a), max(a) from cp group by 1 order by 1;
copy cp(a) from stdin where a >= 0;
-5
200000
\.
drop table cw, cp;
drop function odd();

create table lines(a int not null, b int check (10 / b > 0), c int unique);
copy lines from stdin with (format csv);
1,1,1
2,2,2
,3,3
4,4,4
\.
copy lines from stdin;
1	1	1
2	2	2
3	-3	3
4	4	4
\.
copy lines from stdin;
1	1	1
2	0	2
3	3	3
\.
copy lines from stdin;
1	1	1
2	2	2
3	3	1
4	4	4
\.
copy lines from stdin;
1	1	x23456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789 123456789
\.
copy lines from stdin;
1	1	1	1
\.
copy lines from stdin;
1	1	1
1	1
\.
copy lines from stdin with (format csv, header match);
a,b
1,2,3
\.
copy lines from stdin with (format csv);
1,1,1
2,"2
3",4
5,5,5
\.
create table made(a int, b int generated always as (10 / a) stored);
copy made(a) from stdin;
1
0
2
\.
create table parts(a int, b int) partition by range (a);
create table parts1 partition of parts for values from (0) to (10);
create table parts2 partition of parts for values from (10) to (20);
alter table parts2 add check (b < 100);
copy parts from stdin;
1	1
11	1
21	1
2	2
\.
copy parts from stdin;
11	1
1	1
12	1
2	1
13	200
14	1
\.
create function three() returns trigger language plpgsql as $$ begin if new.a = 3 then raise exception 'three'; end if; return new; end $$;
create table fired(a int unique, b text);
create trigger before before insert on fired for each row execute function three();
copy fired from stdin;
1	a
3	b
4	c
\.
copy fired from stdin;
1	a
2	b
1	c
\.
drop trigger before on fired;
create trigger after after insert on fired for each row execute function three();
copy fired from stdin;
1	a
3	b
4	c
\.
create domain small as int check (value < 10);
create table smalls(a small, b int default 1);
copy smalls(a) from stdin;
1
11
\.
copy lines from stdin csv;
1,"a
b,c
\.
drop table lines, made, parts, fired, smalls;
drop function three;
drop domain small;

-- Checks of domains that run functions, while COPY reads.
create function positive(int) returns bool language plpgsql as 'begin return (select $1 > 0); end';
create domain counted as int check (positive(value));
create type pair as (a counted, b counted);
create table counts(a counted, b counted[], c pair);
copy counts from stdin;
1	{1,2}	(1,2)
\.
copy counts from stdin;
1	{1,2}	(1,2)
-1	{1,2}	(1,2)
\.
copy counts from stdin;
1	{1,-2}	(1,2)
\.
copy counts from stdin;
1	{1,2}	(1,-2)
\.
select * from counts;

-- What psql shows of the server's own views, of bodies and of rules, and what is said where a rule or a right is wrong.
\d information_schema.domains
\d+ pg_group
\d+ information_schema.enabled_roles
\sv pg_matviews
create table t (a int, b text, ar int[]);
create table k (a int primary key, b text);
create rule r as on insert to t where a < 100 do instead insert into k values (a);
create function merges(x int) returns void begin atomic merge into k using t on t.a = k.a when matched and k.a > x then update set b = t.b when not matched then insert values (t.a, 'q') when matched then delete; end;
\sf merges
create function flat() returns text return (select max(b) from t where a in (select a from k)) || 'x';
\sf flat
create constraint trigger c after insert on t deferrable for each row when (new.ar[1] > 3) execute function suppress_redundant_updates_trigger();
\d t
create type comp as (x int, y text); create domain dcomp as comp check ((value).x > 0);
create table d (c dcomp, ca dcomp[]);
explain (verbose, costs off) select (c).y, ca[1].x from d where (c).x = 1;
explain (verbose, costs off) select * from d where c is distinct from null;
create function too_many() returns comp language sql as 'select row(1, 2, 3)';
create function wrong() returns comp language sql as 'select row(current_date, 2)';
create procedure p() language sql as '';
grant usage on procedure p() to public; grant usage on routine p() to public; grant usage on function merges(int) to public;
set restrict_nonsystem_relation_kind to 'view, tables';
create view v as select a from t; set restrict_nonsystem_relation_kind to 'view'; select * from v; insert into v values (1);

-- What plpgsql.extra_warnings, plpgsql.extra_errors and print_strict_params tell.
create table pc_rows (f1 int, f2 int);
insert into pc_rows values (1, 2), (3, 4);
create function pc_none() returns void language plpgsql as $$
#print_strict_params on
declare
  x record;
  p1 int := 2;
  p3 text := 'it''s';
begin
  select * from pc_rows where f1 = p1 and f1::text = p3 into strict x;
end $$;
select pc_none();
create function pc_using() returns void language plpgsql as $$
#print_strict_params on
declare
  x record;
begin
  execute 'select * from pc_rows where f1 = $1 or f1::text = $2' into strict x using 0, 'foo';
end $$;
select pc_using();
set plpgsql.print_strict_params to true;
create function pc_several() returns void language plpgsql as $$
declare
  x record;
  p1 int;
begin
  select * from pc_rows where f1 > coalesce(p1, 0) into strict x;
end $$;
select pc_several();
reset plpgsql.print_strict_params;

set plpgsql.extra_warnings to 'shadowed_variables';
create function pc_shadow(in1 int) returns table (out1 int) language plpgsql as $$
declare
  in1 int;
  out1 int;
begin
  declare
    in1 int;
    found boolean;
  begin
  end;
end $$;
create function pc_shadow_cursor() returns void language plpgsql as $$
declare
  f1 int;
  c1 cursor (f1 int) for select 1;
begin
end $$;
set plpgsql.extra_errors to 'shadowed_variables';
create function pc_shadow_error(f1 int) returns boolean language plpgsql as $$ declare f1 int; begin return 1; end $$;
reset plpgsql.extra_errors;
set plpgsql.extra_warnings to 'none';
create function pc_shadow_none(f1 int) returns boolean language plpgsql as $$ declare f1 int; begin return 1; end $$;

set plpgsql.extra_warnings to 'too_many_rows';
do $$ declare x int; begin select v from generate_series(1, 2) g(v) into x; raise notice '%', x; end $$;
set plpgsql.extra_errors to 'too_many_rows';
do $$ declare x int; begin select v from generate_series(1, 2) g(v) into x; end $$;
reset plpgsql.extra_errors;

set plpgsql.extra_warnings to 'strict_multi_assignment';
do $$ declare x int; y int; z int;
begin
  select 1 into x, y, z;
  select 1, 2, 3 into x, y, z;
  select 1, 2, 3, 4, 5 into x, y, z;
  select 1 where false into x, y;
end $$;
set plpgsql.extra_errors to 'all';
do $$ declare x int; y int; begin select 1 into x, y; end $$;
do $$ declare t pc_rows; begin t := row(1, 2); t := row(1); end $$;
do $$ declare t pc_rows; begin select pc_rows from pc_rows limit 1 into t; raise notice '%', t; select 1 into t; end $$;
do $$ declare x int; y int; begin for x, y in select 1 loop end loop; end $$;
reset plpgsql.extra_errors;
reset plpgsql.extra_warnings;

set plpgsql.variable_conflict to 'use_column';
do $$ declare f1 int := 7; n int; begin select f1 from pc_rows order by 1 limit 1 into n; raise notice '%', n; end $$;
reset plpgsql.variable_conflict;
do $$ declare f1 int := 7; n int; begin select f1 from pc_rows order by 1 limit 1 into n; end $$;

-- Cursors.
create function pc_constant() returns refcursor language plpgsql as $$
declare
  rc constant refcursor;
begin
  open rc for select 1;
  return rc;
end $$;
select pc_constant();
create function pc_named() returns void language plpgsql as $$
declare
  c1 cursor (p1 int, p2 int) for select 1;
begin
  open c1(p2 := 20, 21);
end $$;
do $$ declare c2 cursor for select 1; r record;
begin
  c2 := null;
  for r in c2 loop raise notice '%', c2 is null; end loop;
  raise notice '%', c2;
end $$;
create function pc_cursor(text) returns void language sql as 'declare pc_c cursor for select f2 from pc_rows where f1::text like $1';
begin;
select pc_cursor('3%');
fetch all from pc_c;
select pc_cursor('3%');
rollback;

-- Others.
create function pc_raise(int) returns int language plpgsql as $$
begin
  raise notice 'too many', $1;
  return $1;
end $$;
create function pc_whole() returns pc_rows language plpgsql as $$ begin return 1 + 1; end $$;
select pc_whole();
do $$ declare x pc_rows; begin get diagnostics x = row_count; end $$;
create function pc_type(a pc_rows.f1%type) returns setof pc_rows.f2%type language sql as 'select f2 from pc_rows';
create function pc_return() returns setof int language plpgsql as $$ begin return query select 10 into no_such_table; end $$;
select * from pc_return();
create function pc_return_text() returns setof int language plpgsql as $$ begin return query execute 'select 10 into no_such_table'; end $$;
select * from pc_return_text();
create or replace function pc_return_text() returns setof int language plpgsql as $$ begin return query execute 'insert into pc_rows values (5)'; end $$;
select * from pc_return_text();
create or replace function pc_return_text() returns setof int language plpgsql as $$ begin return query execute 'create table pc_nothing ()'; end $$;
select * from pc_return_text();

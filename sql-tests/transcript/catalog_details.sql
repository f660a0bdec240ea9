-- Columns of catalogs that only tools read.
create type half;
create domain pair as int[];
create domain grid as numeric(4,1)[][];
create domain pairs as pair check (value is not null);
create domain spans as int4range;
create domain words as tsvector;
select oid::regtype, typtype, typndims, typinput, typoutput, typreceive, typsend, typanalyze, typstorage, typalign, typisdefined
  from pg_type where typnamespace = 'public'::regnamespace and typtype in ('d', 'p') order by typname;
create function of_any(variadic "any") returns int language internal immutable as 'pg_num_nonnulls';
create function of_array(variadic anyarray) returns int language sql as 'select 1';
create function of_compatible(variadic anycompatiblearray) returns int language sql as 'select 1';
create function of_int(a text, variadic b int[]) returns int language sql as 'select 1';
select proname, provariadic::regtype from pg_proc where pronamespace = 'public'::regnamespace order by 1;
create table t (a int, b int, c text, d information_schema.sql_identifier, primary key (a) include (b), unique (c) include (b, a));
create table p (a int, b int, c int) partition by range ((a + b), c);
create table other (x int, y int);
create policy reads on t using (a > 0);
select pg_describe_object(classid, objid, objsubid), pg_describe_object(refclassid, refobjid, refobjsubid), deptype
  from pg_depend where (refobjid in ('t'::regclass, 'p'::regclass, 'other'::regclass) or objid in ('t'::regclass, 'p'::regclass))
  and objid not in (select reltoastrelid from pg_class)
  order by 1, 2, 3;
begin;
lock table t in row exclusive mode;
lock table other in access exclusive mode;
lock table p in share update exclusive mode;
select relation::regclass, mode, granted, fastpath from pg_locks
  where pid = pg_backend_pid() and relation in ('t'::regclass, 'p'::regclass, 'other'::regclass) order by 1, 2;
rollback;

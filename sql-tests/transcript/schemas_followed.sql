-- What is kept as text when schemas, functions, types and extensions it names get another name, and what cannot go without them.
create schema s1;
create function s1.f(int) returns bool language plpgsql immutable as 'begin return true; end';
create function s1.f(text) returns bool language plpgsql immutable as 'begin return $1 <> ''''; end';
create function s1.g(int) returns int language plpgsql immutable as 'begin return $1 + 1; end';
create function s1.tf() returns trigger language plpgsql as 'begin return new; end';
create type s1.en as enum ('a', 'b');
set search_path = s1, public;
create domain public.dd as int default g(1) check (f(value));
create domain public.de as en check (value <> 'b');
create table public.t (a int default g(1) check (f(a)), b int generated always as (g(a)) stored, c text default 'x' check (f(c)), e en default 'a', d dd);
create index ti on public.t (g(a)) where f(a);
alter table public.t add constraint tx exclude using btree (g(a) with =) where (f(c));
create policy po on public.t using (f(a)) with check (c in (select c from t where f(c)));
create trigger tr before insert on public.t for each row when (f(new.a) and new.e <> 'b'::en) execute function tf();
create view public.v as select f(a), g(b), 'a'::en as e from t where e = 'a';
create rule ru as on update to public.v where f('x'::text) do instead select g(1);
create statistics public.st on (g(b)), (f(a)), a from t;
create function public.sf(int) returns int language sql begin atomic select g($1) where f(2); end;
create function public.df(x int default g(1), y en default 'a') returns text language sql as 'select x::text || y::text';
create table public.pt (a int, b int) partition by range (g(a));
create table s1.u (a int, e en); insert into s1.u values (1, 'a');
create view public.vu as select u.a, s1.u.e from s1.u where exists (select from s1.u x where x.a = u.a);
create procedure public.pu(n int) language sql begin atomic insert into u values (n, 'a'); update u set a = a + 1 where u.a = pu.n; delete from s1.u where a = 100; end;
insert into t (a) values (1);
set search_path = public;
alter schema s1 rename to s2;
\d+ t
\d+ v
\d+ pt
\d+ vu
\sf sf
\sf df
\sf pu
insert into t (a) values (2) returning *;
select 1::dd, df(), sf(3); table v; table vu; call pu(5); table s2.u;
alter function s2.f(int) rename to ff;
alter function s2.g set schema public;
alter type s2.en rename to en2;
alter type s2.en2 set schema public;
alter procedure pu rename to pv;
\d+ t
\d+ v
\sf sf
\sf df
\sf pv
insert into t (a) values (3) returning *;
select 1::dd, df(), sf(3); table v; table vu; call pv(5); table s2.u;
select pg_get_constraintdef(oid) from pg_constraint where contypid in ('dd'::regtype, 'de'::regtype) order by 1;
drop function s2.ff;
drop function s2.f;
drop function g;
drop type en2;
drop function s2.ff cascade;
drop function s2.f cascade;
\d t
-- Operators of an extension that moves, and of a schema that is not in the reader's path.
create schema ext; create extension citext schema ext;
set search_path = public, ext;
create table ct (a citext default 'x'::citext check (a <> 'BAD'), g bool generated always as (a = 'YES') stored, b citext collate "C");
create index ci on ct ((a || 'z')) where a = 'Q';
create domain cd as citext check (value <> 'BAD');
create trigger tr before insert on ct for each row when (new.a = 'TRIG') execute function s2.tf();
create view cv as select a from ct where a = 'ABC';
set search_path = pg_catalog;
\d public.ct
\d+ public.cv
select pg_get_constraintdef(oid) from pg_constraint where conname = 'cd_check';
create schema ext2;
alter extension citext set schema ext2;
insert into public.ct (a) values ('yes') returning *;
insert into public.ct (a) values ('bad');
select 'bad'::ext2.citext::public.cd;
\d public.ct
\d+ public.cv

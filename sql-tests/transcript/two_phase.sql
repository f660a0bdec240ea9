-- setting max_prepared_transactions=5
create table t(id int primary key, v text);
insert into t values (1,'a'),(2,'b');
begin; insert into t values (3,'c'); savepoint s; insert into t values (4,'d'); release s; savepoint z; insert into t values (9,'z'); rollback to z; create table u(a int); create index on t(v);
prepare transaction 'one';
select gid, owner from pg_prepared_xacts;
select * from t;
select locktype, relation::regclass, pid, mode from pg_locks where pid is null and relation = 't'::regclass order by 2, 4;
begin; lock table t in access exclusive mode nowait; rollback;
prepare transaction 'two';
begin; select 1/0; prepare transaction 'two';
begin; prepare transaction 'one';
select 1;
commit prepared 'nope';
begin; commit prepared 'one'; rollback;
commit prepared 'one';
select * from t; select * from u;
\d t
begin; delete from t where id = 1; drop table u; prepare transaction 'x';
rollback prepared 'x';
select * from t; table u;
begin; create temp table q(a int); prepare transaction 'x';
create temp table q(a int);
begin; select * from q; prepare transaction 'x';
begin; drop table q; prepare transaction 'x';
begin; notify a; prepare transaction 'x';
begin; listen a; prepare transaction 'x';
begin; declare c cursor with hold for select 1; prepare transaction 'x';
begin; select pg_export_snapshot() is not null; prepare transaction 'x';
begin; select pg_advisory_lock(1), pg_advisory_xact_lock(1); prepare transaction 'x';
select pg_advisory_unlock_all();
begin; prepare transaction 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
begin; prepare transaction ''; 
begin; prepare transaction '1'; 
begin; prepare transaction '2'; 
begin; prepare transaction '3'; 
begin; prepare transaction '4'; 
begin; prepare transaction '5'; 
begin; prepare transaction '6'; 
select gid from pg_prepared_xacts order by 1;
rollback prepared ''; rollback prepared '1'; rollback prepared '2'; commit prepared '3'; commit prepared '4'; rollback prepared '5';
insert into t values (50,'x')\; prepare transaction 'imp'\; select 5;
select gid from pg_prepared_xacts order by 1;
commit prepared 'imp';
select id from t order by 1;
create role bob;
begin; insert into t values(60,'y'); prepare transaction 'bobs';
set role bob;
commit prepared 'bobs';
reset role;
\c transcript
create database other;
\c other
commit prepared 'bobs';
\c template1
drop database other;
\c transcript
commit prepared 'bobs';
create database other;
\c other
begin; prepare transaction 'oth';
\c transcript
drop database other;
drop database other with (force);
alter database other rename to other2;
\c other
rollback prepared 'oth';
\c transcript
drop database other;
begin isolation level serializable; select count(*) from t; insert into t values (70, 'q'); prepare transaction 'ser';
begin isolation level serializable; select count(*) from t; insert into t values (71, 'r'); commit;
commit prepared 'ser';
begin; create table k(a int references t deferrable initially deferred); insert into k values (1000); prepare transaction 'def';
begin; set local work_mem = '1MB'; set search_path = pg_catalog; prepare transaction 'set'; show search_path; show work_mem;
rollback prepared 'set';
show search_path;
begin; savepoint a; savepoint b; insert into public.t values (80, 's'); prepare transaction 'sub';
commit prepared 'sub';
select count(*) from public.t;
begin; set transaction read only; select 1; prepare transaction 'ro';
rollback prepared 'ro';
begin; declare c cursor for select 1; fetch c; prepare transaction 'cur'; fetch c;
commit prepared 'cur';
do $$ begin execute 'prepare transaction ''x'''; end $$;
\d pg_prepared_xacts
drop role bob;
drop table public.t, public.u;

-- What EXPLAIN calls the relation that is written, and what sub-selects beside it read; which views can be written.
create table base (a int primary key, b text);
create view uv1 as select sin(a) s, cos(a) c, a, ctid from base;
create view uv2 as select s, c, ctid from uv1;
create view uv3 as select s, a from uv1;
create view uv4 as select s from uv3;
select v, pg_relation_is_updatable(v, false), (select array_agg(pg_column_is_updatable(v, attnum, false) order by attnum)
  from pg_attribute where attrelid = v and attnum > 0) from unnest(array['uv1','uv2','uv3','uv4']::regclass[]) v;
select table_name, is_updatable, is_insertable_into from information_schema.views where table_name like 'uv_' order by 1;
create table target (a int, b int);
explain (costs off) update target t set (a, b) = (select b, a from target s where s.a = t.a) where current_user = session_user;
explain (costs off) insert into target as i values (23, 1) on conflict do nothing;
create view checked as select * from target u where exists (select 1 from target r where r.a = u.b) with check option;
explain (costs off) insert into checked values (1, 2);
create table m (k int, v text);
explain (costs off) with c as materialized (select 1 a, 'x' b) merge into m using base o on m.k = o.a
  when matched then update set v = (select b || ' mu' from c where c.a = m.k limit 1)
  when not matched then insert values (o.a, o.b);
create table parent (a int, b int);
create table child () inherits (parent);
explain (verbose, costs off) update parent set b = (select bit_or(a) from target u where u.a = parent.a);
explain (verbose, costs off) update parent p set b = b + a;
explain (verbose, costs off) delete from parent p where exists (select 1 from target u where u.a = p.a and random() < 2);
-- A trigger's condition may ask in which table the row lies.
create function tells() returns trigger language plpgsql as $$ begin raise notice '% %', tg_table_name, tg_name; return null; end $$;
create trigger same after update on base for each row when (new.tableoid = old.tableoid and new.tableoid <> 0)
  execute function tells();
create trigger other after update on base for each row when (old.tableoid = 'm'::regclass) execute function tells();
create trigger before_new before update on base for each row when (new.tableoid <> 0) execute function tells();
create trigger before_new before insert on base for each row when (new.ctid is null) execute function tells();
create trigger before_new before insert on base for each row when (new.nosuch is null) execute function tells();
insert into base values (1, 'x');
update base set b = 'y';
select pg_get_triggerdef(oid) from pg_trigger where tgname in ('same', 'other') order by tgname;

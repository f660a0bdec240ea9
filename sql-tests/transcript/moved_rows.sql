-- Rows that change their partition: RETURNING with other tables' columns, and what transition tables keep of them.
\pset format unaligned
create table tree (a int, b text) partition by list (a);
create table tree1 partition of tree for values in (1);
create table tree2 (b text, a int);
alter table tree attach partition tree2 for values in (2);
insert into tree values (1, 'foo'), (2, 'bar'), (1, 'more');
update tree set b = b || x from (values (1, 'p'), (2, 'q')) s(k, x) where a = s.k returning *, tableoid::regclass;
update tree set a = 3 - a from (values (1, 'p'), (2, 'q')) s(k, x) where a = s.k returning *, tableoid::regclass;
with x as (update tree set a = 3 - a from (values (1, 'p'), (2, 'q')) s(k, x) where a = s.k returning s.*, tree.*)
select k, x, a, b from x order by a, b;
create function arrives() returns trigger language plpgsql as $$
begin if new.b = 'no' then return null; end if; new.b = new.b || '+i'; return new; end $$;
create function told() returns trigger language plpgsql as $$
begin
  raise notice 'old % new %', (select string_agg(o::text, ';' order by o::text) from o),
    (select string_agg(n::text, ';' order by n::text) from n);
  return null;
end $$;
create trigger arrives before insert on tree2 for each row execute function arrives();
create trigger told after update on tree referencing old table as o new table as n
  for each statement execute function told();
update tree set a = 3 - a;
update tree set a = 3 - a, b = 'no' where a = 1;
update tree set a = 3 - a, b = 'x' from (values (1, 'p'), (2, 'q')) s(k, x) where a = s.k returning *, tableoid::regclass;
table tree;

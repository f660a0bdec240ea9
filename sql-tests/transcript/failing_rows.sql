-- What errors show of the rows they are about: as the table that was named has them, and only what the user may see.
create role fr_user;
create table fr_t (a int, b int not null, c int check (c < 10));
insert into fr_t values (1, 1, 1);
grant insert, update (a, b) on fr_t to fr_user;
set role fr_user;
insert into fr_t (a) values (5);
insert into fr_t (b, a) values (null, 6);
insert into fr_t values (1, 2, 30);
update fr_t set b = null;
reset role;
grant select (c) on fr_t to fr_user;
set role fr_user;
insert into fr_t (a) values (5);
insert into fr_t default values;
reset role;
revoke select (c) on fr_t from fr_user;
set role fr_user;
insert into fr_t default values;
reset role;
insert into fr_t default values;
-- partitions have their columns in another order
create table fr_p (a text, b int, c int) partition by list (a);
create table fr_p1 (c int, gone int, b int not null check (b > 0), a text);
alter table fr_p1 drop column gone;
alter table fr_p attach partition fr_p1 for values in ('one');
create table fr_p2 (b int check (b > 10), c int, a text);
alter table fr_p attach partition fr_p2 for values in ('two');
insert into fr_p values ('one', null, 3);
insert into fr_p1 (a, b, c) values ('one', -1, 3);
insert into fr_p1 (a, b, c) values ('two', 1, 3);
insert into fr_p values ('one', 1, 3);
update fr_p set b = null;
update fr_p set a = 'two';
grant insert, update on fr_p to fr_user;
grant select (a) on fr_p to fr_user;
set role fr_user;
insert into fr_p (a, b) values ('one', null);
update fr_p set b = 0 where a = 'one';
reset role;
create view fr_v as select * from fr_p where b < 5 with check option;
insert into fr_v values ('two', 11, 4);
-- so do tables that inherit
create table fr_i (a int, b int check (b > 0));
create table fr_i1 (c text default 'secret') inherits (fr_i);
insert into fr_i1 values (1, 1);
update fr_i set b = 0;
update fr_i1 set b = 0;
-- what a trigger has done meanwhile
create table fr_g (a int, b int);
insert into fr_g values (1, 1);
create function fr_again() returns trigger language plpgsql as $$
begin
  if pg_trigger_depth() = 1 then update fr_g set b = 2; end if;
  return coalesce(new, old);
end $$;
create trigger fr_before before update or delete on fr_g for each row execute function fr_again();
update fr_g set a = 2;
delete from fr_g;
merge into fr_g using (values (1)) s(x) on a = x when matched then update set a = 3;
merge into fr_g using (values (1)) s(x) on a = x when matched then delete;
-- keys
alter table fr_t add unique (nowhere);
alter table fr_t add primary key (nowhere);
create table fr_k (a int, unique (nowhere));
alter table fr_t drop column ctid;
create table fr_kp (a int primary key, b int) partition by list (a);
create table fr_kp1 partition of fr_kp (b primary key) for values in (1);
create trigger fr_twice before update or update of a on fr_g for each row execute function fr_again();
create trigger fr_twice before insert or insert on fr_g for each row execute function fr_again();
alter view fr_v set (check_option = 'some');
update fr_t set (a, b) = (1, 2), a = 3;
create table pg_catalog.fr_c (a int);
drop owned by fr_user;
drop role fr_user;
-- kinds of things that are others
create materialized view fr_m as select 1 as a;
merge into fr_m using (values (1)) s(x) on a = x when matched then do nothing;
create function fr_plain(int) returns int language sql as 'select $1';
alter aggregate fr_plain(int) rename to fr_other;
create index fr_kx on only fr_kp (b);
alter table fr_kx attach partition fr_t for values in (1);
reindex table fr_m;
begin;
reindex index fr_kx;
rollback;
-- a rule's action, and the rows of its RETURNING
create view fr_rv as select * from fr_t;
create rule fr_rule as on delete to fr_rv do instead delete from fr_t where a = old.a returning old.*;
delete from fr_rv returning *;

-- Foreign keys to partitioned tables: the constraints that partitions know, in messages and descriptions.
create table pk (a int, b int, primary key (a)) partition by list (a);
create table pk1 partition of pk for values in (1);
create table sub (b int, a int primary key) partition by list (a);
create table sub2 partition of sub for values in (2);
create table sub3 partition of sub for values in (3, 5);
alter table pk attach partition sub for values in (2, 3, 5);
create table fk (a int references pk);
create table late (a int references pk deferrable initially deferred);
\d pk1
\d sub
\d fk
insert into pk values (1), (2), (3);
insert into fk values (1), (3);
insert into late values (2);
insert into fk values (4);
delete from pk where a = 1;
delete from sub3;
update pk set a = 2 where a = 2;
update pk set a = 5 where a = 1;
update sub3 set a = 4;
begin;
delete from sub where a = 2;
set constraints late_a_fkey3 immediate;
rollback;
begin;
delete from sub2;
set constraints late_a_fkey2 immediate;
rollback;
begin;
delete from pk where a = 2;
set constraints late_a_fkey1 immediate;
commit;
alter table pk detach partition sub;
alter table sub detach partition sub3;
drop table pk1;
alter table fk drop constraint fk_a_fkey1;
alter table fk alter constraint fk_a_fkey1 deferrable;
alter table fk validate constraint fk_a_fkey1;
alter table fk rename constraint fk_a_fkey1 to one;
alter table fk rename constraint one to fk_a_fkey;
alter table fk add constraint fk_a_fkey3 check (true);
delete from pk where a = 1;
delete from fk;
delete from late;
alter table pk detach partition sub;
\d sub
drop table pk1 cascade;
\d fk
drop table fk, late, sub, pk;

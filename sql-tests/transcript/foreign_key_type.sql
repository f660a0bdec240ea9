create table p(id int primary key, t text unique);
create table c(pid int references p, pt text references p(t));
insert into p values(1,'a'),(2,'b'); insert into c values (1,'a');
alter table c alter pid type bigint;
\d c
alter table p alter id type bigint;
alter table p alter id type text;
alter table c alter pid type text;
alter table p alter id type int using id+10;
alter table c alter pid type int using pid+10;
alter table p alter id type numeric;
\d p
insert into c values (3);
insert into c values (2);
delete from p where id=2;
alter table p alter t type varchar(10);
\d c
alter table c alter pt type int using 1;
alter table c alter pt type char(3);
insert into c values (1,'zz');

-- cube and earthdistance.
create extension cube;
select '1'::cube, '(1,2)'::cube, '1,2'::cube, '(1,2),(3,4)'::cube, '[(1,2),(1,2)]'::cube, '-1e-7'::cube, '1e27'::cube, '()'::cube, '(1,2,3),(3,2,1)'::cube;
select ''::cube; select 'a'::cube; select '(1,2),(3)'::cube; select '(1,2'::cube; select '[1,2,3'::cube; select '1e400'::cube; select '[()]'::cube; select '1,2,'::cube; select '1 2'::cube;
select cube(1), cube(1,2), cube(array[1,2]), cube(array[1,2],array[3,4]), cube(cube(1,2),3), cube(cube(1,2),3,4), cube(cube(1),1,1), cube(array[1,2],array[1,2]), cube('{}'::float8[]);
select cube(array[1,2],array[3]); select cube(array[1,null]::float8[]); select cube(array(select g::float8 from generate_series(1,101) g));
select cube(array(select g::float8 from generate_series(1,101) g), array(select g::float8 from generate_series(1,101) g)); select cube(cube(array(select g::float8 from generate_series(1,100) g)), 1);
select cube_dim('(1,2),(3,4)'), cube_ll_coord('(1,9),(3,4)',2), cube_ur_coord('(1,9),(3,4)',2), cube_ll_coord('1',5), cube_ur_coord('1',0), cube_is_point('1,2'), cube_is_point('(1),(2)'), cube_size('(1,2),(3,5)'), cube_size('()');
select '(1,2),(3,4)'::cube -> 3, '(3,1),(1,5)'::cube ~> 1, '(3,1),(1,5)'::cube ~> 2, '(3,1),(1,5)'::cube ~> 4, '(3,1),(1,5)'::cube ~> -4, '1'::cube ~> 9;
select '1'::cube -> 0; select '1'::cube -> 3; select '1'::cube ~> 0;
select cube_subset('(1,3,5),(6,7,8)', array[3,2,1,1]), cube_subset('(1,3)', array[2]); select cube_subset('(1,3)', array[3]);
select cube_union('(1,2),(3,4)','5'), cube_inter('(1,2),(10,11)','(3,4),(16,15)'), cube_inter('(1,2)','(3,4)'), cube_union('1','1');
select cube_distance('(0)','(2,2,2,2)'), '(0,0)'::cube <-> '(3,4)', '(0,0)'::cube <#> '(3,4)', '(0,0)'::cube <=> '(3,4)', cube_distance('(2),(4)','(7)'), '(0,0),(1,1)'::cube <-> '(0.5,3)';
select cube_enlarge('0',1,2), cube_enlarge('(2,-2),(-3,7)',1,2), cube_enlarge('(2,-2),(-3,7)',3,2), cube_enlarge('(2,-2),(-3,7)',-1,2), cube_enlarge('(2,-2),(-3,7)',-3,2), cube_enlarge('0',-1,5), cube_enlarge('(2)',1,-3);
select '(0,0),(2,2)'::cube && '(1,1)', '(0,0),(2,2)'::cube @> '1,1', '1'::cube <@ '(0,0),(2,2)', '1'::cube = '1,0', '1'::cube < '1,0', '(1,2),(3,4)'::cube > '(1,2),(3,3)', '1'::cube <> '2', '1'::cube && '1,5', '0'::cube @> '0,0', cube_cmp('(1),(5)','(1,3),(4,9)');
create table tc (c cube); insert into tc select cube(array[g % 37, (g * 7) % 53]::float8[], array[g % 37 + g % 5, (g * 7) % 53 + g % 3]::float8[]) from generate_series(1, 1500) g; insert into tc values (null), ('1'), ('(1,2,3)');
create function cnt() returns table (n int, c bigint) language sql as $$
select 1, count(*) from tc where c && '(3,3),(9,9)' union all select 2, count(*) from tc where c <@ '(3,3),(20,30)' union all select 3, count(*) from tc where c @> '(5,6)' union all select 4, count(*) from tc where c = '(1,7),(2,8)' union all select 5, count(*) from tc where c < '(4,4)' union all select 6, count(*) from tc where c >= '(30,4)' union all select 7, count(*) from tc where '(3,3),(9,9)' && c $$;
select * from cnt() order by 1;
select c from tc where c is not null order by c limit 4;
set enable_seqscan = off; create index g on tc using gist (c);
select * from cnt() order by 1;
select c, c <-> '(10.3,11.7)' as d from tc where c is not null order by d, c limit 5;
select round((c <-> '(10.3,11.7)')::numeric, 6) from tc order by c <-> '(10.3,11.7)' limit 5;

select c <#> '(100,100)' from tc order by c <#> '(100,100)' limit 5; select c <=> '(100,100)' from tc order by c <=> '(100,100)' limit 5;
select c ~> 1 from tc order by c ~> 1 limit 3; select c ~> 4 from tc order by c ~> 4 limit 3; select c ~> -2 from tc order by c ~> -2 limit 3;

drop index g; create index b on tc (c); select * from cnt() order by 1;
drop table tc; drop function cnt; 
create extension earthdistance; select earth(), sec_to_gc(0), gc_to_sec(1000), ll_to_earth(52.5,13.4), latitude(ll_to_earth(52.5,13.4)), longitude(ll_to_earth(52.5,13.4)), earth_distance(ll_to_earth(52.5,13.4), ll_to_earth(48.1,11.6)), earth_box(ll_to_earth(0,0), 1000), '(13.4,52.5)'::point <@> '(11.6,48.1)'::point;
select '(1,2)'::earth; select '(1,2),(3,4)'::earth;
drop extension cube cascade;

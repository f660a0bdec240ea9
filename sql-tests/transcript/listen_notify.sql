-- What LISTEN and NOTIFY do counts at the commit, without what savepoints took back.
begin; listen a; rollback; notify a;
begin; listen b; savepoint s; listen c; rollback to s; notify b; notify c; savepoint t; notify b, 'x'; rollback to t; commit;
notify c, '2';
select * from pg_listening_channels();
begin; unlisten b; rollback; notify b, '3';
begin; notify b, 'one'; savepoint s; notify b, 'one'; notify b, 'two'; release s; notify b, 'two'; notify b, 'three'; commit;
begin; savepoint s; notify b, 'again'; rollback to s; notify b, 'again'; commit;
do $$ begin begin perform pg_notify('b', 'lost'); perform 1 / 0; exception when division_by_zero then perform pg_notify('b', 'kept'); end; end $$;
select count(pg_notify('b', (n % 20)::text)) from generate_series(1, 60) n;
begin; unlisten *; listen d; listen e; unlisten d; notify d, '4'; notify e, '5'; commit;
select * from pg_listening_channels();
listen f; listen e; notify e;
discard all;
select * from pg_listening_channels();
notify e, 'nobody hears it';

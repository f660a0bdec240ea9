-- What stock psql shows. The answers beside this file are PostgreSQL 15's own:
--   psql -X -q -d DATABASE -f system.sql > system.out 2>&1
-- in a new database psql_system of a server whose superuser is postgres, with LC_ALL=C.
\set ECHO none
\pset pager off
\pset linestyle ascii
set client_min_messages = warning;
\pset format unaligned
\echo '=== \\d pg_stat_activity'
\d pg_stat_activity
\echo '=== \\d pg_tables'
\d pg_tables
\echo '=== \\d pg_settings'
\d pg_settings
\echo '=== \\d pg_stats'
\d pg_stats
\echo '=== \\d pg_locks'
\d pg_locks
\echo '=== \\dS'
\dS
\echo '=== \\dtS'
\dtS
\echo '=== \\dvS'
\dvS
\echo '=== \\dvS+'
\dvS+
\echo '=== \\dfwS'
\dfwS
\echo '=== \\dfaS'
\dfaS
\echo '=== \\df pg_catalog.a*'
\df pg_catalog.a*
\echo '=== \\df+ pg_catalog.a*'
\df+ pg_catalog.a*
\echo '=== \\df * int4 int4'
\df * int4 int4
\echo '=== \\dftS'
\dftS
\echo '=== \\dfpS'
\dfpS
\echo '=== \\dfS+ sum'
\dfS+ sum
\echo '=== \\da'
\da
\echo '=== \\da+'
\da+
\echo '=== \\daS'
\daS
\echo '=== \\daS+'
\daS+
\echo '=== \\da sum'
\da sum
\echo '=== \\dTS'
\dTS
\echo '=== \\dTS+'
\dTS+
\echo '=== \\dDS'
\dDS
\echo '=== \\dDS+'
\dDS+
\echo '=== \\dC'
\dC
\echo '=== \\dC+'
\dC+
\echo '=== \\dC int4'
\dC int4
\echo '=== \\dC+ text'
\dC+ text
\echo '=== \\do'
\do
\echo '=== \\do+'
\do+
\echo '=== \\do ||'
\do ||
\echo '=== \\do+ ='
\do+ =
\echo '=== \\do - NONE int4'
\do - NONE int4
\echo '=== \\dpS'
\dpS
\echo '=== \\drds * psql_objects'
\drds * psql_objects
\echo '=== \\ddS'
\ddS
\echo '=== \\dL'
\dL
\echo '=== \\dL+'
\dL+
\echo '=== \\dLS'
\dLS
\echo '=== \\dLS+'
\dLS+
\echo '=== \\dA'
\dA
\echo '=== \\dA+'
\dA+
\echo '=== \\dAc'
\dAc
\echo '=== \\dAc+'
\dAc+
\echo '=== \\dAc btree int4'
\dAc btree int4
\echo '=== \\dAo btree integer_ops'
\dAo btree integer_ops
\echo '=== \\dAp+ btree integer_ops'
\dAp+ btree integer_ops
\echo '=== \\dO'
\dO
\echo '=== \\dO+'
\dO+
\echo '=== \\dOS C'
\dOS C
\echo '=== \\dOS+ C'
\dOS+ C
\echo '=== \\dO pg_catalog.POSIX'
\dO pg_catalog.POSIX
\echo '=== \\dc'
\dc
\echo '=== \\dc+'
\dc+
\echo '=== \\dcS'
\dcS
\echo '=== \\dcS+'
\dcS+
\echo '=== \\dF'
\dF
\echo '=== \\dFd'
\dFd
\echo '=== \\dFd+'
\dFd+
\echo '=== \\dFp'
\dFp
\echo '=== \\dFt'
\dFt
\echo '=== \\dFt+'
\dFt+
\echo '=== \\dF english'
\dF english
\echo '=== \\dconfig work_mem'
\dconfig work_mem
\echo '=== \\dconfig+ work_mem'
\dconfig+ work_mem
\echo '=== \\dconfig+ search_path'
\dconfig+ search_path
\echo '=== \\sf lower'
\sf lower
\echo '=== \\sf nosuch'
\sf nosuch

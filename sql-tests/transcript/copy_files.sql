-- Files of the server: devices, too; who took the server for the client is told so.
create temp table q (a int);
copy (select 1) to '/dev/null';
copy q from '/dev/null';
copy (select 1) to '/nosuch/x';
copy (select 1 / 0) to '/nosuch/x';
copy q from '/nosuch/x';
copy (select 1) to '/';
copy q from '/';
copy (select 1) to 'relative';
copy q from 'relative';

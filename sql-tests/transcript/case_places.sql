-- Where a comparison of CASE goes wrong, its WHEN is pointed at.
select case 'a' when 3 > 2 then 1 else 2 end;
select case 1 when 2 then 1 when now() then 2 end;
select case now() when 'x' then 1 end;
select case when 1 then 2 end;
select (select case 1 when date '2020-01-01' then 1 end);

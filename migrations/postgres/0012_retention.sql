-- Runs that somebody wants to keep whole, and those whose files are gone.

-- A run that is important keeps what came in and what it left, however old it is.
create table important_run (
    run_id text primary key references run (id),
    marked_by text not null,
    marked_at bigint not null
);

-- When the files of a run went, by the rules of the room; its results stay.
create table run_files_removed (
    run_id text primary key references run (id),
    removed_at bigint not null
);

-- The runs whose files stay: they are important, about what was released, is served or is pinned, or about
-- nothing yet, or the newest of their suite that says something of its subject on its machine and boot
-- entry.
create view run_that_stays as
select u.number
from (select n.number, n.subject,
             case when i.run_id is null then 0 else 1 end as important,
             row_number() over (partition by n.subject, n.lane, n.suite
                                order by case when n.ended_at is null then 1 else 0 end,
                                         n.ended_at desc, n.number desc) as place
      from run n
      left join important_run i on i.run_id = n.id) u
left join subject s on s.number = u.subject
left join release r on r.id = s.release_id
left join release_pin p on p.release_id = s.release_id
left join (select release_id, min(name) as name from environment group by release_id) e
       on e.release_id = s.release_id
where u.important = 1 or u.place = 1 or u.subject is null
   or r.stage = 'released' or p.release_id is not null or e.name is not null;

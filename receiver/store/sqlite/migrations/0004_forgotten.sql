-- Mailroom's store, step 4: records that are forgotten.

-- The books, continued: documents whose records were removed when their time was over. A table of its own, because an
-- older process takes whatever stands in `tally` for a state.
create table forgotten (
    documents integer not null
);
insert into forgotten values (0);

alter table alert add column expires_at real;       -- from then on it counts as gone, and purge removes it
create index alert_expires on alert (expires_at) where expires_at is not null;

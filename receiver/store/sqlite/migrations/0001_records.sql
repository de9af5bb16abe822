-- Mailroom's store, step 1: the records.
--
-- One table per kind of record. `body` is the whole record as JSON and the truth about it; the other columns are copies
-- of what is searched by, in Unix seconds where they end in `_at`. `version` goes up by one with each change.
-- To look around:  select id, state, json_extract(body, '$.name') from document order by taken_in_at;
-- Please change records through `mailroom`, never by hand: body, columns and version belong together.

-- One file to route: what it is, what LlamaCloud said, the plan, the deliveries, the timeline.
create table document (
    id          text primary key not null,
    version     integer not null,
    state       text not null,          -- open, routed, review, failed
    type        text,                   -- what LlamaCloud found; null: nothing (yet)
    batch_id    text not null,          -- shared by a packet and its pieces
    taken_in_at real not null,
    overdue_at  real,                   -- past this an open document is overdue; null for all others
    body        text not null
);
create index document_all     on document (taken_in_at, id);
create index document_state   on document (state, taken_in_at, id);
create index document_type    on document (type, taken_in_at, id) where type is not null;
create index document_batch   on document (batch_id, taken_in_at, id);
create index document_overdue on document (overdue_at, id) where overdue_at is not null;

-- A LlamaCloud classify or split job, and the document it speaks for.
create table job (
    id          text primary key not null,
    version     integer not null,
    document_id text not null,
    created_at  real not null,
    overdue_at  real,                   -- past this we ask LlamaCloud ourselves; null once it is final
    body        text not null
);
create index job_document on job (document_id, created_at, id);
create index job_overdue  on job (overdue_at, id) where overdue_at is not null;

-- One verified webhook that came in.
create table event (
    id          text primary key not null,
    version     integer not null,
    job_id      text not null,
    received_at real not null,
    expires_at  real,                   -- from then on it counts as gone, and purge removes it
    body        text not null
);
create index event_all     on event (received_at, id);
create index event_job     on event (job_id, received_at, id);
create index event_expires on event (expires_at) where expires_at is not null;

-- A durable promise to do something.
create table task (
    id           text primary key not null,
    version      integer not null,
    state        text not null,         -- ready, running, done, parked
    subject      text not null,         -- the document's id; for a reaction the job's
    created_at   real not null,
    due_at       real not null,
    claimable_at real,                  -- due, or its lease is over; null when done or parked
    expires_at   real,
    body         text not null
);
create index task_all       on task (created_at, id);
create index task_state     on task (state, due_at, id);
create index task_subject   on task (subject, created_at, id);
create index task_claimable on task (claimable_at, id) where claimable_at is not null;
create index task_expires   on task (expires_at) where expires_at is not null;

-- What is remembered of a group of alerts.
create table alert (
    id      text primary key not null,
    version integer not null,
    last_at real not null,
    body    text not null
);
create index alert_all on alert (last_at, id);

-- Small durable facts, such as a paused destination.
create table flag (
    id      text primary key not null,
    version integer not null,
    body    text not null
);

-- The books, kept by triggers in the transaction of each write. `taken_in` only ever counts up, on its own: a document
-- that vanished from the table shows as an imbalance.
create table tally (
    what      text primary key not null,
    documents integer not null
);
insert into tally values ('taken_in', 0), ('open', 0), ('routed', 0), ('review', 0), ('failed', 0);

create trigger document_taken_in after insert on document begin
    update tally set documents = documents + 1 where what in ('taken_in', new.state);
end;
create trigger document_moved after update of state on document when old.state <> new.state begin
    update tally set documents = documents - 1 where what = old.state;
    update tally set documents = documents + 1 where what = new.state;
end;
create trigger document_vanished after delete on document begin
    update tally set documents = documents - 1 where what = old.state;
end;

-- One row, written to find out whether writing works.
create table pulse (
    id integer primary key check (id = 1),
    at real not null
);

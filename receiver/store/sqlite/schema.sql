-- The schema of Mailroom's SQLite store, as it is now. migrations/ creates it step by step and brings older files to it;
-- nothing runs this file, and a test compares the two.
--
-- There is one table for each kind of record. `body` is the record as JSON and is authoritative. The other columns are
-- copies to search by. `version` goes up by one with each change. Times are Unix seconds.
-- To look around:  select id, state, json_extract(body, '$.name') from document order by taken_in_at;
-- Change records through `mailroom` only: body, columns and version must agree.

-- A file to route: what it is, LlamaCloud's result, its plan, its deliveries, its history.
create table document (
    id          text primary key not null,
    version     integer not null,
    state       text not null,          -- open, routed, review, failed
    type        text,                   -- the type that LlamaCloud found; null: none yet
    batch_id    text not null,          -- shared by a packet and its pieces
    taken_in_at real not null,
    overdue_at  real,                   -- an open document is overdue from then on; null for all others
    body        text not null,
    forgettable text,                   -- `content`: its bytes may be removed some time after settled_at
    settled_at  real                    -- time of its last change; null while it is open or in review
);
create index document_all         on document (taken_in_at, id);
create index document_state       on document (state, taken_in_at, id);
create index document_type        on document (type, taken_in_at, id) where type is not null;
create index document_batch       on document (batch_id, taken_in_at, id);
create index document_overdue     on document (overdue_at, id) where overdue_at is not null;
create index document_forgettable on document (forgettable, settled_at, id) where forgettable is not null;

-- A classify or split job at LlamaCloud, and its document.
create table job (
    id          text primary key not null,
    version     integer not null,
    document_id text not null,
    created_at  real not null,
    overdue_at  real,                   -- the sweep asks LlamaCloud about it from then on; null once it is final
    body        text not null
);
create index job_document on job (document_id, created_at, id);
create index job_overdue  on job (overdue_at, id) where overdue_at is not null;

-- A verified webhook.
create table event (
    id          text primary key not null,
    version     integer not null,
    job_id      text not null,
    received_at real not null,
    expires_at  real,                   -- retention removes it from then on, and no query returns it
    body        text not null
);
create index event_all     on event (received_at, id);
create index event_job     on event (job_id, received_at, id);
create index event_expires on event (expires_at) where expires_at is not null;

-- Work to do, stored in the transaction that made it necessary.
create table task (
    id           text primary key not null,
    version      integer not null,
    state        text not null,         -- ready, running, done, parked
    subject      text not null,         -- the id of a document; of a job, for a task that handles its event
    created_at   real not null,
    due_at       real not null,
    claimable_at real,                  -- due_at of a ready task; null for all others
    expires_at   real,
    body         text not null,
    lane         text not null default ''  -- rank (0 deliver, 1 react, 2 submit, 3 bulk) and partner: `0 s3://mail`
);
create index task_all       on task (created_at, id);
create index task_state     on task (state, due_at, id);
create index task_subject   on task (subject, created_at, id);
create index task_claimable on task (claimable_at, id) where claimable_at is not null;
create index task_expires   on task (expires_at) where expires_at is not null;
create index task_lane      on task (lane, claimable_at, id) where claimable_at is not null;

-- Events that have just arrived: one row for each group commit, because one row for each event costs several pages.
-- They are moved to `event` and `task` a moment later, and before anybody claims them (event_log.py).
create table arrival (
    id      integer primary key autoincrement,
    kept_at real not null,
    changes text not null               -- JSON: [[event, task], …]
);

-- A cause of trouble, from its first occurrence until it is resolved. The id is the fingerprint of kind and cause.
create table incident (
    id             text primary key not null,
    version        integer not null,
    opened_at      real not null,
    standing_since real,                -- null once it is resolved
    expires_at     real,
    body           text not null
);
create index incident_all      on incident (opened_at, id);
create index incident_standing on incident (standing_since, id) where standing_since is not null;
create index incident_expires  on incident (expires_at) where expires_at is not null;

-- One occurrence of an incident, usually to one document.
create table occurrence (
    id            text primary key not null,
    version       integer not null,
    part          text not null,        -- fingerprint and number of the incident
    unmended_part text,                 -- the same, until the occurrence is fixed
    at            real not null,
    expires_at    real,
    body          text not null
);
create index occurrence_incident on occurrence (part, at, id);
create index occurrence_unmended on occurrence (unmended_part, at, id) where unmended_part is not null;
create index occurrence_expires  on occurrence (expires_at) where expires_at is not null;

-- What one alert channel was sent about one incident, and when to check whether it needs more.
create table notification (
    id         text primary key not null,
    version    integer not null,
    channel    text not null,           -- its name in mailroom.yaml
    due_at     real,
    held_since real,                    -- since when it is only counted among the "other causes", at the channel's limit
    expires_at real,
    body       text not null
);
create index notification_due     on notification (channel, due_at, id) where due_at is not null;
create index notification_held    on notification (channel, held_since, id) where held_since is not null;
create index notification_expires on notification (expires_at) where expires_at is not null;

-- An alert channel: whether it works, and how much it was sent lately.
create table channel (
    id      text primary key not null,
    version integer not null,
    body    text not null
);

-- A small fact that lasts, such as a paused destination.
create table flag (
    id      text primary key not null,
    version integer not null,
    body    text not null
);

-- The number of documents in each state, kept by triggers in the transaction of each write. `taken_in` only increases:
-- a document that vanished from `document` shows as a difference.
create table tally (
    what      text primary key not null,
    documents integer not null
);
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

-- The number of documents that retention removed.
create table forgotten (
    documents integer not null
);

-- A single row, written to find out whether writing works.
create table pulse (
    id integer primary key check (id = 1),
    at real not null
);

-- Alerts of releases before incidents. They are converted to incidents.
create table alert (
    id         text primary key not null,
    version    integer not null,
    last_at    real not null,
    body       text not null,
    expires_at real
);
create index alert_all     on alert (last_at, id);
create index alert_expires on alert (expires_at) where expires_at is not null;

-- The search index. The table document_words beside these, with the texts of the documents, is created when the file is
-- opened (search_index.py), because it needs FTS5, without which a SQLite may be built.

-- A document as a search sees it, brought up to date before a search or a moment after a change.
create table document_search (
    place       integer primary key not null,  -- when it was received, in tenths of a second * 65536, and a number
    id          text not null unique,
    taken_in_at real not null,
    state       text not null,
    type        text,
    confidence  real
);
create index search_state on document_search (state, place, type, confidence);
create index search_type  on document_search (type, place, state, confidence);

-- Documents that changed since, noted by triggers in the transaction of each change.
create table search_pending (
    id text primary key not null
) without rowid;
create trigger search_inserted after insert on document begin
    insert or ignore into search_pending values (new.id);
end;
create trigger search_updated after update of body on document begin
    insert or ignore into search_pending values (new.id);
end;
create trigger search_deleted after delete on document begin
    insert or ignore into search_pending values (old.id);
end;

-- Documents received at this moment or earlier are not in the index yet. No row: all are.
create table search_backfill (
    taken_in_at real not null,
    id          text not null
);

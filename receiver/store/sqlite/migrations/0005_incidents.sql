-- Mailroom's store, step 5: incidents. The table `alert` is what releases before this one remembered; it is converted.

-- Everything of one cause that is wrong at the same time, or was. The id is the fingerprint of kind and cause.
create table incident (
    id             text primary key not null,
    version        integer not null,
    opened_at      real not null,
    standing_since real,                -- null once it is over
    expires_at     real,                -- from then on it counts as gone, and purge removes it
    body           text not null
);
create index incident_all      on incident (opened_at, id);
create index incident_standing on incident (standing_since, id) where standing_since is not null;
create index incident_expires  on incident (expires_at) where expires_at is not null;

-- One time that it happened, to one document as a rule.
create table occurrence (
    id            text primary key not null,
    version       integer not null,
    part          text not null,        -- fingerprint and number of the incident
    unmended_part text,                 -- the same while it stands
    at            real not null,
    expires_at    real,
    body          text not null
);
create index occurrence_incident on occurrence (part, at, id);
create index occurrence_unmended on occurrence (unmended_part, at, id) where unmended_part is not null;
create index occurrence_expires  on occurrence (expires_at) where expires_at is not null;

-- What one channel was told of one incident, and when to look whether it must be told more.
create table notification (
    id         text primary key not null,
    version    integer not null,
    channel    text not null,           -- as mailroom.yaml names it
    due_at     real,
    held_since real,                    -- since when it is among the "other causes" beyond the channel's ceiling
    expires_at real,
    body       text not null
);
create index notification_due     on notification (channel, due_at, id) where due_at is not null;
create index notification_held    on notification (channel, held_since, id) where held_since is not null;
create index notification_expires on notification (expires_at) where expires_at is not null;

-- An alert channel: how it fares, and how much it was told lately.
create table channel (
    id      text primary key not null,
    version integer not null,
    body    text not null
);

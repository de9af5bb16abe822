-- Mailroom's store, step 2: what has just arrived.
--
-- Events come with random ids, so a row each in their tables and indexes costs pages of its own. A group commit
-- therefore keeps all its events, each with its task, in one row here; they are filed into `event` and `task` before
-- anybody claims or reads them through Mailroom, or a moment later, when nothing else is to do.
create table arrival (
    id      integer primary key autoincrement,
    kept_at real not null,
    changes text not null               -- JSON: [[event, task], …]
);

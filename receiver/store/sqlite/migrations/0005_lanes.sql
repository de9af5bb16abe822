-- Mailroom's store, step 5: tasks are claimed lane by lane, the most urgent first.
--
-- A lane is the rank of a task (0: deliver, 1: react, 2: submit, 3: bulk) and the partner that its step talks to:
-- `2 llamacloud`, `0 s3://mail`. Tasks of an older Mailroom have none, and go first.
alter table task add column lane text not null default '';
create index task_lane on task (lane, claimable_at, id) where claimable_at is not null;

-- Mailroom's store, step 3: what may be forgotten, and since when.

alter table document add column forgettable text;   -- content: its bytes may go, some time after it settled
alter table document add column settled_at real;    -- when the last thing happened to it; null while it is open or in review
create index document_forgettable on document (forgettable, settled_at, id) where forgettable is not null;

update document
set forgettable = 'content',
    settled_at = coalesce(
        json_extract(body, '$.history[' || max(json_array_length(body, '$.history') - 1, 0) || '].at'), taken_in_at)
where state in ('routed', 'failed');

-- Step 7: the search index (../search_index.py).

create table document_search (
    place       integer primary key not null,
    id          text not null unique,
    taken_in_at real not null,
    state       text not null,
    type        text,
    confidence  real
);
create index search_state on document_search (state, place, type, confidence);
create index search_type  on document_search (type, place, state, confidence);

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

create table search_backfill (
    taken_in_at real not null,
    id          text not null
);
insert into search_backfill select taken_in_at, id from document order by taken_in_at desc, id desc limit 1;

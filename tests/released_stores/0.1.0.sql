BEGIN TRANSACTION;
CREATE TABLE alert (
    id      text primary key not null,
    version integer not null,
    last_at real not null,
    body    text not null
);
CREATE TABLE document (
    id          text primary key not null,
    version     integer not null,
    state       text not null,          -- open, routed, review, failed
    type        text,                   -- what LlamaCloud found; null: nothing (yet)
    batch_id    text not null,          -- shared by a packet and its pieces
    taken_in_at real not null,
    overdue_at  real,                   -- past this an open document is overdue; null for all others
    body        text not null
);
INSERT INTO "document" VALUES('doc_q3agfns5uvoyiulhj57hwdcy',3,'routed','invoice','doc_q3agfns5uvoyiulhj57hwdcy',1.79575154246226167684e+09,NULL,'{"id":"doc_q3agfns5uvoyiulhj57hwdcy","name":"invoice.txt","sha256":"0d5ad7223a4938791699c759428852c52638ab9eb76a452907eaaf9b89a927b7","size":88,"media_type":"text/plain","origin":{"kind":"folder","locator":"invoice.txt","sender":"root"},"content":"spool:0d5ad7223a4938791699c759428852c52638ab9eb76a452907eaaf9b89a927b7","taken_in_at":1795751542.4622617,"version":3,"state":"routed","step":"settled","packet":false,"batch_id":"doc_q3agfns5uvoyiulhj57hwdcy","parent_id":"","pages":[],"category":"","category_confidence":"","page_count":null,"cuts":[],"metadata":{},"file_id":"dfl-c809711c-0c6d-4fa6-bcde-162e4e5e18e6","file_expires_at":null,"job_id":"cls-6d9ccd48-2375-4efb-aa94-fae31ccbc386","submissions":0,"deadline":1795752143.846434,"classification":{"type":"invoice","confidence":0.98,"reasoning":"Matches “invoice”: found the title “INVOICE”, “amount due”, “invoice number”, “line item”, “invoice”."},"error":"","plan":{"way":"matched","route":"invoice","reason":"type ''invoice'' with confidence 0.98, at least 0.50","to":[{"url":"folder:///var/lib/mailroom/out/invoices/","options":{}}],"review":false,"trace":[{"route":"invoice","matched":true,"why":"type ''invoice'' with confidence 0.98, at least 0.50"},{"route":"contract","matched":false,"why":"type ''invoice'' is not contract"}],"table":"bc3280d15fae","decided_at":1795751547.5081062},"deliveries":[{"id":"dlv_fmrx35ca5n3kg7okfj3eydnf","to":{"url":"folder:///var/lib/mailroom/out/invoices/","options":{}},"route":"invoice","state":"delivered","receipt":{"location":"folder:///var/lib/mailroom/out/invoices/doc_q3agfns5uvoyiulhj57hwdcy/invoice.txt","checksum":"sha256:0d5ad7223a4938791699c759428852c52638ab9eb76a452907eaaf9b89a927b7","fresh":true},"delivered_at":1795751547.5478709,"error":""}],"history":[{"at":1795751542.4622617,"what":"taken in","detail":"folder invoice.txt"},{"at":1795751543.846434,"what":"submitted","detail":"classify job cls-6d9ccd48-2375-4efb-aa94-fae31ccbc386, file dfl-c809711c-0c6d-4fa6-bcde-162e4e5e18e6"},{"at":1795751547.5081062,"what":"decided","detail":"matched: type ''invoice'' with confidence 0.98, at least 0.50"},{"at":1795751547.5478709,"what":"delivered","detail":"folder:///var/lib/mailroom/out/invoices/doc_q3agfns5uvoyiulhj57hwdcy/invoice.txt"}]}');
INSERT INTO "document" VALUES('doc_icmqo6xxlf3goipvppcolrnf',2,'review',NULL,'doc_icmqo6xxlf3goipvppcolrnf',1.79575154248052477837e+09,NULL,'{"id":"doc_icmqo6xxlf3goipvppcolrnf","name":"recipe.txt","sha256":"99e4d3255397aba29d33a0b8f218afe0a68b8ca4a842e4c181dacb7dae812050","size":65,"media_type":"text/plain","origin":{"kind":"folder","locator":"recipe.txt","sender":"root"},"content":"spool:99e4d3255397aba29d33a0b8f218afe0a68b8ca4a842e4c181dacb7dae812050","taken_in_at":1795751542.4805248,"version":2,"state":"review","step":"settled","packet":false,"batch_id":"doc_icmqo6xxlf3goipvppcolrnf","parent_id":"","pages":[],"category":"","category_confidence":"","page_count":null,"cuts":[],"metadata":{},"file_id":"dfl-cb9cee50-9b28-4a4c-bce4-9d7fac7cea04","file_expires_at":null,"job_id":"cls-18140de4-28f5-4b2a-8f10-44cb1d3a3efc","submissions":0,"deadline":1795752143.846678,"classification":{"type":null,"confidence":1.0,"reasoning":"No rule fits: none of their words or usual phrases are on the pages. The text looks more like: recipe."},"error":"","plan":{"way":"no_match","route":"no_match","reason":"no rule fits this document","to":[],"review":true,"trace":[],"table":"bc3280d15fae","decided_at":1795751547.5076473},"deliveries":[],"history":[{"at":1795751542.4805248,"what":"taken in","detail":"folder recipe.txt"},{"at":1795751543.846678,"what":"submitted","detail":"classify job cls-18140de4-28f5-4b2a-8f10-44cb1d3a3efc, file dfl-cb9cee50-9b28-4a4c-bce4-9d7fac7cea04"},{"at":1795751547.5076473,"what":"decided","detail":"no_match: no rule fits this document"}]}');
INSERT INTO "document" VALUES('doc_xf3bbrhbuffpdqxetyyemh3z',1,'open',NULL,'doc_xf3bbrhbuffpdqxetyyemh3z',1.79575155673566198345e+09,1.7957521583133556843e+09,'{"id":"doc_xf3bbrhbuffpdqxetyyemh3z","name":"contract.txt","sha256":"7db6be54bbb76ebc526b1bd52c88b66550a2dae2d588e714eacfb734a1b3d9e7","size":55,"media_type":"text/plain","origin":{"kind":"folder","locator":"contract.txt","sender":"root"},"content":"spool:7db6be54bbb76ebc526b1bd52c88b66550a2dae2d588e714eacfb734a1b3d9e7","taken_in_at":1795751556.735662,"version":1,"state":"open","step":"submitted","packet":false,"batch_id":"doc_xf3bbrhbuffpdqxetyyemh3z","parent_id":"","pages":[],"category":"","category_confidence":"","page_count":null,"cuts":[],"metadata":{},"file_id":"dfl-d0d11fae-a8b7-4ab1-8be4-9b29e5f11ebc","file_expires_at":null,"job_id":"cls-aaabfe07-8f06-477e-a983-f9367df72711","submissions":0,"deadline":1795752158.3133557,"classification":null,"error":"","plan":null,"deliveries":[],"history":[{"at":1795751556.735662,"what":"taken in","detail":"folder contract.txt"},{"at":1795751558.3133557,"what":"submitted","detail":"classify job cls-aaabfe07-8f06-477e-a983-f9367df72711, file dfl-d0d11fae-a8b7-4ab1-8be4-9b29e5f11ebc"}]}');
CREATE TABLE event (
    id          text primary key not null,
    version     integer not null,
    job_id      text not null,
    received_at real not null,
    expires_at  real,                   -- from then on it counts as gone, and purge removes it
    body        text not null
);
INSERT INTO "event" VALUES('37c38701-1097-4015-8919-29612198273c',0,'cls-18140de4-28f5-4b2a-8f10-44cb1d3a3efc',1.79575154613458728785e+09,1.79834354613458728784e+09,'{"id":"37c38701-1097-4015-8919-29612198273c","type":"classify.success","job_id":"cls-18140de4-28f5-4b2a-8f10-44cb1d3a3efc","other_id":"","sent_at":1795751544.44278,"received_at":1795751546.1345873,"verified_by":["token:0"],"document_id":"doc_icmqo6xxlf3goipvppcolrnf","late":false,"as_string":false,"size":231,"expires_at":1798343546.1345873,"version":0}');
INSERT INTO "event" VALUES('ac645f8a-737b-4d0e-a5ad-50fa499e9b44',0,'cls-6d9ccd48-2375-4efb-aa94-fae31ccbc386',1.79575154613503432275e+09,1.79834354613503432274e+09,'{"id":"ac645f8a-737b-4d0e-a5ad-50fa499e9b44","type":"classify.success","job_id":"cls-6d9ccd48-2375-4efb-aa94-fae31ccbc386","other_id":"","sent_at":1795751544.442636,"received_at":1795751546.1350343,"verified_by":["token:0"],"document_id":"doc_q3agfns5uvoyiulhj57hwdcy","late":false,"as_string":false,"size":232,"expires_at":1798343546.1350343,"version":0}');
CREATE TABLE flag (
    id      text primary key not null,
    version integer not null,
    body    text not null
);
CREATE TABLE job (
    id          text primary key not null,
    version     integer not null,
    document_id text not null,
    created_at  real not null,
    overdue_at  real,                   -- past this we ask LlamaCloud ourselves; null once it is final
    body        text not null
);
INSERT INTO "job" VALUES('cls-6d9ccd48-2375-4efb-aa94-fae31ccbc386',1,'doc_q3agfns5uvoyiulhj57hwdcy',1.7957515438331189155e+09,NULL,'{"id":"cls-6d9ccd48-2375-4efb-aa94-fae31ccbc386","kind":"classify","document_id":"doc_q3agfns5uvoyiulhj57hwdcy","created_at":1795751543.833119,"transaction_id":"mailroom-classify-doc_q3agfns5uvoyiulhj57hwdcy-0","status":"completed","deadline":1795752143.846434,"checks":0,"beta":false,"credits":1.0,"segments":[],"error":"","version":1}');
INSERT INTO "job" VALUES('cls-18140de4-28f5-4b2a-8f10-44cb1d3a3efc',1,'doc_icmqo6xxlf3goipvppcolrnf',1.7957515438336260319e+09,NULL,'{"id":"cls-18140de4-28f5-4b2a-8f10-44cb1d3a3efc","kind":"classify","document_id":"doc_icmqo6xxlf3goipvppcolrnf","created_at":1795751543.833626,"transaction_id":"mailroom-classify-doc_icmqo6xxlf3goipvppcolrnf-0","status":"completed","deadline":1795752143.846678,"checks":0,"beta":false,"credits":1.0,"segments":[],"error":"","version":1}');
INSERT INTO "job" VALUES('cls-aaabfe07-8f06-477e-a983-f9367df72711',0,'doc_xf3bbrhbuffpdqxetyyemh3z',1.79575155827380800242e+09,1.7957521583133556843e+09,'{"id":"cls-aaabfe07-8f06-477e-a983-f9367df72711","kind":"classify","document_id":"doc_xf3bbrhbuffpdqxetyyemh3z","created_at":1795751558.273808,"transaction_id":"mailroom-classify-doc_xf3bbrhbuffpdqxetyyemh3z-0","status":"pending","deadline":1795752158.3133557,"checks":0,"beta":false,"credits":null,"segments":[],"error":"","version":0}');
CREATE TABLE pulse (
    id integer primary key check (id = 1),
    at real not null
);
INSERT INTO "pulse" VALUES(1,1.79575153621063518527e+09);
CREATE TABLE tally (
    what      text primary key not null,
    documents integer not null
);
INSERT INTO "tally" VALUES('taken_in',3);
INSERT INTO "tally" VALUES('open',1);
INSERT INTO "tally" VALUES('routed',1);
INSERT INTO "tally" VALUES('review',1);
INSERT INTO "tally" VALUES('failed',0);
CREATE TABLE task (
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
INSERT INTO "task" VALUES('submit:doc_q3agfns5uvoyiulhj57hwdcy:0',2,'done','doc_q3agfns5uvoyiulhj57hwdcy',1.79575154246226167684e+09,1.79575154246226167684e+09,NULL,1.79834354384602928154e+09,'{"id":"submit:doc_q3agfns5uvoyiulhj57hwdcy:0","kind":"submit","subject":"doc_q3agfns5uvoyiulhj57hwdcy","due_at":1795751542.4622617,"created_at":1795751542.4622617,"details":{},"state":"done","attempts":1,"looks":0,"owner":"machine:1","lease_until":null,"error":"","cause":"","finished_at":1795751543.8460293,"expires_at":1798343543.8460293,"version":2}');
INSERT INTO "task" VALUES('submit:doc_icmqo6xxlf3goipvppcolrnf:0',2,'done','doc_icmqo6xxlf3goipvppcolrnf',1.79575154248052477837e+09,1.79575154248052477837e+09,NULL,1.79834354384614300732e+09,'{"id":"submit:doc_icmqo6xxlf3goipvppcolrnf:0","kind":"submit","subject":"doc_icmqo6xxlf3goipvppcolrnf","due_at":1795751542.4805248,"created_at":1795751542.4805248,"details":{},"state":"done","attempts":1,"looks":0,"owner":"machine:1","lease_until":null,"error":"","cause":"","finished_at":1795751543.846143,"expires_at":1798343543.846143,"version":2}');
INSERT INTO "task" VALUES('react:cls-18140de4-28f5-4b2a-8f10-44cb1d3a3efc:classify.success',2,'done','cls-18140de4-28f5-4b2a-8f10-44cb1d3a3efc',1.79575154613458728785e+09,1.79575154613458728785e+09,NULL,1.79834354750730562207e+09,'{"id":"react:cls-18140de4-28f5-4b2a-8f10-44cb1d3a3efc:classify.success","kind":"react","subject":"cls-18140de4-28f5-4b2a-8f10-44cb1d3a3efc","due_at":1795751546.1345873,"created_at":1795751546.1345873,"details":{"event_id":"37c38701-1097-4015-8919-29612198273c","type":"classify.success","other_id":"","document_id":"doc_icmqo6xxlf3goipvppcolrnf"},"state":"done","attempts":1,"looks":0,"owner":"machine:1","lease_until":null,"error":"","cause":"","finished_at":1795751547.5073056,"expires_at":1798343547.5073056,"version":2}');
INSERT INTO "task" VALUES('react:cls-6d9ccd48-2375-4efb-aa94-fae31ccbc386:classify.success',2,'done','cls-6d9ccd48-2375-4efb-aa94-fae31ccbc386',1.79575154613503432275e+09,1.79575154613503432275e+09,NULL,1.79834354750741124157e+09,'{"id":"react:cls-6d9ccd48-2375-4efb-aa94-fae31ccbc386:classify.success","kind":"react","subject":"cls-6d9ccd48-2375-4efb-aa94-fae31ccbc386","due_at":1795751546.1350343,"created_at":1795751546.1350343,"details":{"event_id":"ac645f8a-737b-4d0e-a5ad-50fa499e9b44","type":"classify.success","other_id":"","document_id":"doc_q3agfns5uvoyiulhj57hwdcy"},"state":"done","attempts":1,"looks":0,"owner":"machine:1","lease_until":null,"error":"","cause":"","finished_at":1795751547.5074112,"expires_at":1798343547.5074112,"version":2}');
INSERT INTO "task" VALUES('deliver:dlv_fmrx35ca5n3kg7okfj3eydnf',2,'done','doc_q3agfns5uvoyiulhj57hwdcy',1.79575154750844144819e+09,1.79575154750844144819e+09,NULL,1.79834354754761099816e+09,'{"id":"deliver:dlv_fmrx35ca5n3kg7okfj3eydnf","kind":"deliver","subject":"doc_q3agfns5uvoyiulhj57hwdcy","due_at":1795751547.5084414,"created_at":1795751547.5084414,"details":{"delivery_id":"dlv_fmrx35ca5n3kg7okfj3eydnf","to":"folder:///var/lib/mailroom/out/invoices/","mark":""},"state":"done","attempts":1,"looks":0,"owner":"machine:1","lease_until":null,"error":"","cause":"","finished_at":1795751547.547611,"expires_at":1798343547.547611,"version":2}');
INSERT INTO "task" VALUES('submit:doc_xf3bbrhbuffpdqxetyyemh3z:0',2,'done','doc_xf3bbrhbuffpdqxetyyemh3z',1.79575155673566198345e+09,1.79575155673566198345e+09,NULL,1.7983435582878658772e+09,'{"id":"submit:doc_xf3bbrhbuffpdqxetyyemh3z:0","kind":"submit","subject":"doc_xf3bbrhbuffpdqxetyyemh3z","due_at":1795751556.735662,"created_at":1795751556.735662,"details":{},"state":"done","attempts":1,"looks":0,"owner":"machine:1","lease_until":null,"error":"","cause":"","finished_at":1795751558.2878659,"expires_at":1798343558.2878659,"version":2}');
CREATE INDEX document_all     on document (taken_in_at, id);
CREATE INDEX document_state   on document (state, taken_in_at, id);
CREATE INDEX document_type    on document (type, taken_in_at, id) where type is not null;
CREATE INDEX document_batch   on document (batch_id, taken_in_at, id);
CREATE INDEX document_overdue on document (overdue_at, id) where overdue_at is not null;
CREATE INDEX job_document on job (document_id, created_at, id);
CREATE INDEX job_overdue  on job (overdue_at, id) where overdue_at is not null;
CREATE INDEX event_all     on event (received_at, id);
CREATE INDEX event_job     on event (job_id, received_at, id);
CREATE INDEX event_expires on event (expires_at) where expires_at is not null;
CREATE INDEX task_all       on task (created_at, id);
CREATE INDEX task_state     on task (state, due_at, id);
CREATE INDEX task_subject   on task (subject, created_at, id);
CREATE INDEX task_claimable on task (claimable_at, id) where claimable_at is not null;
CREATE INDEX task_expires   on task (expires_at) where expires_at is not null;
CREATE INDEX alert_all on alert (last_at, id);
CREATE TRIGGER document_taken_in after insert on document begin
    update tally set documents = documents + 1 where what in ('taken_in', new.state);
end;
CREATE TRIGGER document_moved after update of state on document when old.state <> new.state begin
    update tally set documents = documents - 1 where what = old.state;
    update tally set documents = documents + 1 where what = new.state;
end;
CREATE TRIGGER document_vanished after delete on document begin
    update tally set documents = documents - 1 where what = old.state;
end;
COMMIT;
PRAGMA user_version=1;

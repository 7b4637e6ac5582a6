-- Version 1. The tables of the embedded store, so that a record lies the same way everywhere: one
-- table per kind, ordered by key. `bucket` is the hour in which a record ends. Room is left in pages
-- of what is changed in place, so that a change moves no index entry.
create table meta (
    name  text not null primary key,
    value int8 not null
);

-- `schema`: the version of these tables. `oldest`: the oldest program that can use them. `revision`:
-- above every revision that was given out. `number`: under which locks of this store are taken.
insert into meta values
    ('schema', 0), ('oldest', 1), ('revision', 0), ('number', (random() * 2147483646)::int8);

-- The lanes that there ever were.
create table lanes (
    lane int2 not null primary key
);

-- `number` is gapless within its lane; `hash` covers the hash before it and `body`; `revision` orders
-- the lanes among each other.
create table events (
    lane     int2  not null,
    number   int8  not null,
    revision int8  not null,
    body     bytea not null,
    hash     bytea not null,
    primary key (lane, number)
);

-- The processes that serve from this store, and which keys each of them has loaded. A key is its id
-- and a check value, never itself.
create table nodes (
    id      bytea       not null primary key,
    name    text        not null,
    program text        not null,
    knows   int8        not null,
    keys    bytea       not null,
    seen    timestamptz not null
);

create table tenants      (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null);
create table clients      (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null);
create table grants       (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null) with (fillfactor = 80);
create table consents     (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null) with (fillfactor = 80);
create table subjects     (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null) with (fillfactor = 80);
create table interactions (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null) with (fillfactor = 80);
create table sessions     (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null) with (fillfactor = 80);
create table replays      (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null);
create table signing_keys (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null);
create table key_sets     (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null);
create table claims       (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null);
create table customers    (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null);

create index grants_bucket       on grants       (bucket) where bucket is not null;
create index consents_bucket     on consents     (bucket) where bucket is not null;
create index interactions_bucket on interactions (bucket) where bucket is not null;
create index sessions_bucket     on sessions     (bucket) where bucket is not null;

-- Version 1. Every record kind has its own table, ordered by key: the rows of one tenant lie
-- together, and within them those of one time. `bucket` is the hour in which a record ends.
create table meta (
    name  text not null primary key,
    value any  not null
) strict, without rowid;

insert into meta values ('schema', 1), ('revision', 0), ('store', randomblob(16));

-- `number` is gapless within its lane; `hash` covers the hash before it and `body`.
create table events (
    lane   integer not null,
    number integer not null,
    body   blob    not null,
    hash   blob    not null,
    primary key (lane, number)
) strict, without rowid;

create table tenants      (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table clients      (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table grants       (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table consents     (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table subjects     (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table interactions (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table sessions     (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table replays      (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table signing_keys (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table key_sets     (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table claims       (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table customers    (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;

-- Only for what expires, and ordered like the keys, because a record ends a fixed time after it was
-- made. There is no index in random order, and none on replay ids: their keys
-- start with the minute.
create index grants_bucket       on grants       (bucket) where bucket is not null;
create index consents_bucket     on consents     (bucket) where bucket is not null;
create index interactions_bucket on interactions (bucket) where bucket is not null;
create index sessions_bucket     on sessions     (bucket) where bucket is not null;

-- Version 2. Pushed authorization requests, and what clients must still be told.
create table pushed     (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;
create table deliveries (key blob not null primary key, revision integer not null, bucket integer, body blob not null) strict, without rowid;

create index pushed_bucket     on pushed     (bucket) where bucket is not null;
create index deliveries_bucket on deliveries (bucket) where bucket is not null;

update meta set value = 2 where name = 'schema';

-- Version 2. Pushed authorization requests, and what clients must still be told.
create table pushed     (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null);
create table deliveries (key bytea not null primary key, revision int8 not null, bucket int8, body bytea not null) with (fillfactor = 80);

create index pushed_bucket     on pushed     (bucket) where bucket is not null;
create index deliveries_bucket on deliveries (bucket) where bucket is not null;

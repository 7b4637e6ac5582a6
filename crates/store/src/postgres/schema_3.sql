-- Version 3. Which events tell of a change that other processes must hear of: few of many, so that
-- hearing them costs nothing when there are none. What was written before needs to be heard by nobody;
-- what an older program writes without saying may be one of them.
alter table events add column heard boolean not null default false;
alter table events alter column heard set default true;

create index events_heard on events (lane, number) where heard;

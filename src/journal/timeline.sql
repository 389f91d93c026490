-- For the timeline: where errors were, without reading every event.
create index event_error on event (time) where severity <= 3;
-- Up to where old events were let go, a segment; '' is the whole program. What is older and still there is what the
-- state at that moment is made of.
create table horizon (
    segment text    not null primary key,  -- the server's own address
    before  integer not null               -- microseconds since 1970-01-01T00:00:00Z
) strict;

-- The CouchDB replica: how far each segment has come in each database. See src/journal/couchdb/.
create table lane (
    database text    not null,             -- its URL, without who asks
    segment  text    not null,             -- the server's own address
    home     integer not null,             -- 1: events of the whole program go along with this segment's, 0: they do not
    shipped  integer not null,             -- event.id of the last one that is there
    primary key (database, segment)
) strict;
-- What this journal is called in databases.
create table journal (name text not null) strict;
insert into journal values (lower(hex(randomblob(8))));

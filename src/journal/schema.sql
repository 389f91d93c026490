-- The journal: one row an event. Times are UTC microseconds since 1970; addresses and MACs are text as people write them.
-- Read it with any SQLite client, also while the program writes:
--   select datetime(time / 1000000, 'unixepoch'), machine, kind, details from event where machine = '10.77.0.60' order by id;
create table event (
    id       integer primary key,          -- in the order of writing
    time     integer not null,             -- microseconds since 1970-01-01T00:00:00Z
    segment  text,                         -- the server's own address; null: the whole program
    machine  text,                         -- the machine's address, where known
    mac      text,                         -- its hardware address, where known
    service  text    not null,             -- dhcp, tftp, http, dns, syslog, radv, power, conf, boot, program
    kind     text    not null,             -- dhcp.offered, tftp.completed …
    severity integer not null,             -- 0 (emerg) to 7 (debug), as in syslog
    details  text    not null              -- a JSON object: the kind's own fields
) strict;
create index event_time on event (time);
create index event_machine on event (machine, time);
create index event_mac on event (mac, time);
create index event_service on event (service, time);
-- Leases: the last such event of an address says who has it. Read at every start.
create index event_lease on event (segment, json_extract(details, '$.address'), id)
    where kind in ('dhcp.acknowledged', 'dhcp.released', 'dhcp.declined', 'dhcp.expired');
-- Conf: what the machines were called at a time.
create index event_conf on event (segment, id) where kind = 'conf.loaded';

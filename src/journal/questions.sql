-- For questions by kind. Since version 2; here so that a journal of any version gets it.
create index if not exists event_kind on event (kind, time);

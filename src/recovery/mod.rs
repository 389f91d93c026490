//! Recovery documents: all that is known of a machine, on a page that a person can follow. Pure; the record is read by others.

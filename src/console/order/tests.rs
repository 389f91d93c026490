//! Orders, one by one.

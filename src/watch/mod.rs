//! Looks at machines and services, and listens who is on a segment. Knows no rule of alerts, no trend and no screen: what it finds are
//! events and samples.

//! The chain of revisions of a document: each is the hash of the one before it and of one event. Pure.
//!
//! The first is made from the document's `_id`, the first of a further part also from the last of the part before, so that
//! neither an event nor a whole part can be taken out unseen. An event is hashed in the form of RFC 8785 (JSON
//! Canonicalization Scheme): a database may give its fields back in another order.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Bytes of a hash: what CouchDB's own revisions have.
const LENGTH: usize = 16;

/// A chain that grows with each event.
#[derive(Clone, Debug)]
pub struct Chain {
    last: String,
    hashes: Vec<String>,
}

impl Chain {
    /// Of the document `id`, which goes on where `before` ended.
    pub fn new(id: &str, before: Option<&Chain>) -> Chain {
        let seed = before.map_or(String::new(), |chain| chain.last.clone());
        Chain { last: hash(&[&seed, id]), hashes: Vec::new() }
    }

    /// Adds an event. Errors are those of numbers that JSON has no form for: none that this program writes.
    pub fn add(&mut self, event: &Value) -> serde_json::Result<()> {
        let canonical = serde_json_canonicalizer::to_string(event)?;
        self.last = hash(&[&self.last, &canonical]);
        self.hashes.push(self.last.clone());
        Ok(())
    }

    /// How many events it has: the generation of its last revision.
    pub fn generation(&self) -> usize {
        self.hashes.len()
    }

    /// The last revision, as CouchDB writes it: `133-9b32…`.
    pub fn revision(&self) -> String {
        format!("{}-{}", self.generation(), self.last)
    }

    /// All hashes, the newest first, as `_revisions` wants them.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.hashes.iter().rev().map(String::as_str)
    }
}

fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(&hasher.finalize()[..LENGTH])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chain(id: &str, events: &[Value]) -> Chain {
        let mut chain = Chain::new(id, None);
        events.iter().for_each(|event| chain.add(event).unwrap());
        chain
    }

    #[test]
    fn a_revision_is_known_by_its_events() {
        let events = [json!({"a": 1, "b": "x"}), json!({"a": 2})];
        let whole = chain("id", &events);
        assert_eq!(whole.revision(), "2-b23a895eb697b76686bb416a2c4506e8");
        let first = chain("id", &events[..1]);
        assert_eq!(whole.ids().last(), first.ids().next(), "the past stays as it was");
        let turned: Value = serde_json::from_str(r#"{"b":"x","a":1.0}"#).unwrap();
        assert_eq!(chain("id", &[turned]).revision(), first.revision(), "whatever the order of fields");
        for other in [chain("it", &events), chain("id", &[events[1].clone(), events[0].clone()]), chain("id", &[])] {
            assert_ne!(other.revision(), whole.revision());
        }
        let mut further = Chain::new("id~2", Some(&whole));
        further.add(&events[0]).unwrap();
        assert_ne!(further.revision(), chain("id~2", &events[..1]).revision());
    }
}

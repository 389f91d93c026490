//! A few things of many, kept open: those that were used last.

use super::Id;
use std::{collections::HashMap, sync::Arc};

/// At most so many of `T`, by file.
pub struct Kept<T> {
    most: usize,
    used: u64,
    all: HashMap<Id, (u64, Arc<T>)>,
}

impl<T> Kept<T> {
    /// Empty.
    pub fn new(most: usize) -> Kept<T> {
        Kept { most, used: 0, all: HashMap::new() }
    }

    /// The one of `id`, where it is kept.
    pub fn get(&mut self, id: Id) -> Option<Arc<T>> {
        self.used += 1;
        let (used, kept) = self.all.get_mut(&id)?;
        *used = self.used;
        Some(kept.clone())
    }

    /// Keeps one; the older half of too many goes.
    pub fn put(&mut self, id: Id, value: Arc<T>) {
        self.used += 1;
        self.all.insert(id, (self.used, value));
        if self.all.len() > self.most {
            let mut ages: Vec<u64> = self.all.values().map(|(used, _)| *used).collect();
            ages.sort_unstable();
            let middle = ages.get(ages.len() / 2).copied().unwrap_or(0);
            self.all.retain(|_, (used, _)| *used > middle);
        }
    }

    /// Lets the one of `id` go.
    pub fn forget(&mut self, id: Id) {
        self.all.remove(&id);
    }

    /// Lets all go.
    pub fn clear(&mut self) {
        self.all.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_used_last_stay() {
        let mut kept = Kept::new(4);
        for id in 1..=4 {
            kept.put(id, Arc::new(id));
        }
        assert_eq!(kept.get(1).as_deref(), Some(&1));
        kept.put(5, Arc::new(5));
        let stay: Vec<Id> = (1..=5).filter(|id| kept.get(*id).is_some()).collect();
        assert_eq!(stay, [1, 5]);
    }
}

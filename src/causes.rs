//! What an error came of. Pure.

use std::{error::Error, io, iter::successors};

/// The error, what caused it, and so on to the innermost cause. An error within an [`io::Error`] is one of them, which its
/// `source` passes over.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    successors(Some(error), |&this| match this.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner as &(dyn Error + 'static)),
        None => this.source(),
    })
}

/// The innermost cause in its words: what the system said. The others tend to name the URL again.
pub fn root(error: &(dyn Error + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

/// All of them in one line, the outermost first; what one repeats is said once.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said = String::new();
    for cause in causes(error).map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("asking web1")]
    struct Asking(#[source] io::Error);

    #[test]
    fn what_is_within() {
        let number = "x".parse::<u8>().unwrap_err();
        let error = Asking(io::Error::other(number.clone()));
        assert!(causes(&error).any(|cause| cause.downcast_ref() == Some(&number)));
        assert_eq!(root(&error), number.to_string());
        assert_eq!(chain(&error), format!("asking web1: {number}"));
        assert_eq!(chain(&number), number.to_string());
    }
}

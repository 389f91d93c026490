//! sup

//! schemathesis, which makes requests of an OpenAPI document and judges the answers.

use std::path::{Path, PathBuf};

/// PyPI's schemathesis, for [`can_run`](super::can_run).
pub const SCHEMATHESIS: &str = "PyPI's schemathesis";

/// Where `./dev test` installs it: beside what cargo builds.
fn installed() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("schemathesis")
}

/// True where [`SCHEMATHESIS`] is installed.
pub fn is_installed() -> bool {
    installed().join("requirements.txt").exists()
}

/// The program.
pub fn schemathesis() -> PathBuf {
    installed().join("bin/schemathesis")
}

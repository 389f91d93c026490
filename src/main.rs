//! The program's door: says what went wrong, with its causes, and how it ended.

use std::process::ExitCode;

fn main() -> ExitCode {
    match pxelator::cli::run() {
        Ok(code) => ExitCode::from(code),
        Err(report) => {
            eprintln!("pxelator: {report:#}");
            ExitCode::FAILURE
        }
    }
}

//! The `policy-host` program: see [`policy_host::cli`].

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    policy_host::cli::main()
}

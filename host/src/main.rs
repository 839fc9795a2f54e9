//! The `policy-host` program: see [`policy_host::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    policy_host::cli::main()
}

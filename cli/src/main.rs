//! The `azwi-policy` program: see [`azwi_policy::command_line`].

use std::process::ExitCode;

fn main() -> ExitCode {
    azwi_policy::command_line::main()
}

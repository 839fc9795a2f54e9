//! The `azwi-policy` program: see [`azwi_policy::command_line`].

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A preview of many objects makes and drops many small values, on all cores.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    azwi_policy::command_line::main()
}

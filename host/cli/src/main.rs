//! The `patchbay` command.

mod disasm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use patchbay::exec::Exec;

/// Runs IA-64 guests under a virtual machine monitor whose policies are plugins.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Disasm(disasm::Disasm),
    Exec(Exec),
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Disasm(disasm) => code(disasm.run().map(|()| true)),
        Command::Exec(exec) => code(exec.run()),
    }
}

/// 0 for success, 1 if a guest failed, 2 and a sentence for what the command could not do.
fn code<E: std::error::Error>(done: Result<bool, E>) -> ExitCode {
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("patchbay: {error}");
            ExitCode::from(2)
        }
    }
}

//! The `patchbay` command.

mod disasm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Disasm(disasm) => disasm.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("patchbay: {error}");
            ExitCode::from(2)
        }
    }
}

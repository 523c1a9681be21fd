//! The `patchbay` command.

mod attach;
mod bench;
mod boot;
mod console;
mod crash;
mod ctl;
mod disasm;
mod guests;
mod install;
mod log;
mod plugins;
mod rates;
mod render;
mod run;
mod summary;
mod survey;
mod top;
mod vms;
mod watchdog;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use patchbay::exec::Exec;
use patchbay::output::tell;
use patchbay_machine::text;
use patchbay_vmm::plugins::trial::in_processes;
use tracing_subscriber::filter::Targets;

/// Runs IA-64 guests under a virtual machine monitor whose policies are plugins.
#[derive(Parser)]
#[command(version, after_help = "Without a command: patchbay run.")]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// What to log on standard error: off, error, warn, info, debug, or levels by target, as in info,plugin=debug
    /// [default: PATCHBAY_LOG, or else warn]
    #[arg(long, global = true, value_name = "LEVEL", value_parser = log::filter)]
    log: Option<Targets>,
}

/// `patchbay run` without arguments.
#[derive(Parser)]
struct Bare {
    #[command(flatten)]
    run: run::Run,
}

#[derive(Subcommand)]
enum Command {
    Run(Box<run::Run>),
    Bench(Box<bench::Bench>),
    Ctl(ctl::Ctl),
    Top(top::Top),
    Guests(guests::Guests),
    Disasm(disasm::Disasm),
    Survey(survey::Survey),
    Exec(Exec),
    Plugins(plugins::Plugins),
    Plugin(plugins::Plugin),
    Install(install::Install),
    Completions(install::Completions),
    Man(install::Man),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Err(error) = log::start(arguments.log) {
        return refuse(error);
    }
    let command = arguments.command.unwrap_or_else(|| Command::Run(Box::new(Bare::parse_from(["patchbay"]).run)));
    let is_a_trial = matches!(&command, Command::Plugin(plugin) if plugin.is_a_trial());
    let _running = (!is_a_trial).then(|| {
        in_processes(plugins::trial);
        crash::Running::start()
    });
    match command {
        Command::Run(run) => run.run().map_or_else(refuse, ExitCode::from),
        Command::Top(top) => code(top.run().map(|()| true)),
        Command::Bench(bench) => code(bench.run()),
        Command::Ctl(ctl) => code(ctl.run().map(|()| true)),
        Command::Guests(guests) => code(guests.run().map(|()| true)),
        Command::Disasm(disasm) => code(disasm.run().map(|()| true)),
        Command::Survey(survey) => code(survey.run().map(|()| true)),
        Command::Exec(exec) => code(exec.run()),
        Command::Plugins(plugins) => code(plugins.run().map(|()| true)),
        Command::Plugin(plugin) => code(plugin.run()),
        Command::Install(install) => code(install.run(Arguments::command()).map(|()| true)),
        Command::Completions(completions) => code(completions.run(&mut Arguments::command()).map(|()| true)),
        Command::Man(man) => code(man.run(Arguments::command()).map(|()| true)),
    }
}

/// 0 for success, 1 if a guest failed, 2 and a sentence for what the command could not do.
fn code<E: std::error::Error>(done: Result<bool, E>) -> ExitCode {
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => refuse(error),
    }
}

fn refuse<E: std::error::Error>(error: E) -> ExitCode {
    tell(format_args!("patchbay: {}\n", text::line(&error.to_string(), 4 * text::MESSAGE)));
    ExitCode::from(2)
}

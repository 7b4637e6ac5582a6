//! The command line: one verb each. Data goes to stdout, everything else to stderr.

mod arguments;
mod backup;
mod cert;
mod client;
mod config;
mod customer;
mod explain;
mod flow;
mod http;
mod jwt;
mod key;
mod migrate;
mod openid;
mod pasted;
mod play;
mod serve;
mod status;
mod steps;
mod token;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::failure::Failure;
use crate::system::micros;
use arguments::{Arguments, Command, Shell};

/// Prints a line of data. A reader that went away is no failure of ours.
pub(crate) fn out(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}");
    let _ = stdout.flush();
}

/// Runs the command of this process.
#[must_use]
pub fn main() -> ExitCode {
    let started_us = micros();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match run(arguments.command, started_us) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("counterfoil: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

fn run(command: Command, started_us: u64) -> Result<(), Failure> {
    match command {
        Command::Sandbox(options) => server(crate::sandbox::run(options.into(), started_us)),
        Command::Serve { config } => server(serve::run(config, started_us)),
        Command::Token(options) => client_runtime(token::run(options)),
        Command::Flow(options) => client_runtime(flow::run(options)),
        Command::Config { verb } => config::run(verb),
        Command::Client { verb } => client_runtime(client::run(verb)),
        Command::Key { verb } => client_runtime(key::run(verb)),
        Command::Migrate { verb } => migrate::run(verb),
        Command::Status(options) => client_runtime(status::run(options)),
        Command::Backup { verb } => client_runtime(backup::run(verb)),
        Command::Restore(options) => client_runtime(backup::restoring(options)),
        Command::Explain { what, state } => explain::run(&what, &state),
        Command::Cert { verb } => cert::run(verb),
        Command::Jwt { verb } => jwt::jwt(verb),
        Command::Jwk { verb } => jwt::jwk(verb),
        Command::Completion { shell } => {
            completion(shell);
            Ok(())
        }
        Command::Man { command, out } => man(command.as_deref(), out.as_deref()),
        Command::Version => {
            out(&format!("counterfoil {}", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
    }
}

fn server(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|e| Failure::failed(format!("no runtime: {e}")))?.block_on(work)
}

fn client_runtime(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Failure::failed(format!("no runtime: {e}")))?.block_on(work)
}

fn completion(shell: Shell) {
    let shell = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "counterfoil", &mut text);
    out(String::from_utf8_lossy(&text).trim_end());
}

/// The page of a command, or every page into a folder.
fn man(command: Option<&str>, folder: Option<&std::path::Path>) -> Result<(), Failure> {
    let mut root = Arguments::command();
    root.build();
    let told = |e: std::io::Error| Failure::failed(format!("man page: {e}"));
    if let Some(folder) = folder {
        std::fs::create_dir_all(folder).map_err(told)?;
        return clap_mangen::generate_to(root, folder).map_err(told);
    }
    let found = match command {
        None => Some(&root),
        Some(name) => root.find_subcommand(name),
    };
    let Some(found) = found else {
        return Err(Failure::usage(format!("no command \"{}\"", command.unwrap_or_default())));
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(found.clone()).render(&mut text).map_err(told)?;
    out(String::from_utf8_lossy(&text).trim_end());
    Ok(())
}

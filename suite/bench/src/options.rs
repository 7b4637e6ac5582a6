//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::flows;

/// The benchmark of `counterfoil`.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo xtask bench")]
pub(crate) struct Options {
    /// Under three minutes: short windows, 100,000 grants. For sanity, not for quoting.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Growth: the flows that read grants, with 100,000 of them and with N.
    #[arg(long, value_name = "N", value_parser = number)]
    pub(crate) grants: Option<usize>,
    /// Fixed rates, in parts of the peak: latency at 50% and 80%, shedding at 120%.
    #[arg(long, value_name = "PERCENT", value_delimiter = ',', num_args = 1.., value_parser = percent)]
    pub(crate) rate: Vec<f64>,
    /// Measures another server in the same run; known: node-oidc-provider.
    #[arg(long, value_name = "NAME")]
    pub(crate) peer: Option<String>,
    /// One JSON object per flow on stdout; the table goes to stderr.
    #[arg(long)]
    pub(crate) json: bool,
    /// These flows only.
    #[arg(long, value_name = "NAME", value_delimiter = ',', num_args = 1..)]
    pub(crate) flow: Vec<String>,
    /// Instructions of the server per answer, counted by callgrind, for the five hottest flows
    /// or those that are named.
    #[arg(long)]
    pub(crate) count: bool,
    /// With `--count`: fails where a flow needs more than this file allows it.
    #[arg(long, value_name = "FILE", requires = "count")]
    pub(crate) budget: Option<PathBuf>,
    /// With `--count`: those of the floor server too.
    #[arg(long, requires = "count")]
    pub(crate) floor: bool,
    /// With `--count`: keeps what callgrind wrote there, for `callgrind_annotate`.
    #[arg(long, value_name = "FOLDER", requires = "count")]
    pub(crate) keep: Option<PathBuf>,
    /// Reads of one grant by the ways there are: on the worker, handed over, from what is kept.
    #[arg(long)]
    pub(crate) reads: bool,
    /// The flows there are.
    #[arg(long)]
    pub(crate) list: bool,
    /// Rounds of each flow; the middle one counts.
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// The server's records at this PostgreSQL, of which the processors are measured too.
    #[arg(long, value_name = "URL", requires = "postmaster")]
    pub(crate) store: Option<String>,
    /// The first process of that PostgreSQL.
    #[arg(long, value_name = "PID", requires = "store")]
    pub(crate) postmaster: Option<u32>,
    /// The server as it is shipped; beside this program when left out.
    #[arg(long, value_name = "PATH")]
    pub(crate) binary: Option<PathBuf>,
}

/// Reads the command line. What is wrong with it, and `--help`, end the process.
pub(crate) fn parse() -> Result<Options, String> {
    let options = Options::parse();
    for name in &options.flow {
        if flows::named(name).is_none() {
            let known: Vec<&str> = flows::ALL.iter().map(|flow| flow.name).collect();
            return Err(format!("there is no flow `{name}`; there are {}", known.join(", ")));
        }
    }
    if options.rounds == 0 {
        return Err("--rounds needs a number above 0".into());
    }
    Ok(options)
}

fn number(text: &str) -> Result<usize, String> {
    text.replace('_', "").parse().map_err(|_| "a number such as 1_000_000".into())
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 =
        text.trim_end_matches('%').parse().map_err(|_| "a percentage such as 80%".to_owned())?;
    if number > 0.0 && number <= 1_000.0 { Ok(number) } else { Err("between 1% and 1000%".into()) }
}

impl Options {
    /// Not measured.
    pub(crate) fn warm(&self) -> Duration {
        Duration::from_millis(if self.quick { 250 } else { 500 })
    }

    /// Measured.
    pub(crate) fn window(&self) -> Duration {
        Duration::from_millis(if self.quick { 800 } else { 3_000 })
    }

    /// Whether a flow was asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.flow.is_empty() || self.flow.iter().any(|flow| flow == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_percentages_are_read_as_people_write_them() {
        assert_eq!(number("10_000_000"), Ok(10_000_000));
        assert_eq!(percent("80%"), Ok(80.0));
        assert_eq!(percent("120"), Ok(120.0));
        assert!(percent("0").is_err() && percent("much").is_err() && number("many").is_err());
    }
}

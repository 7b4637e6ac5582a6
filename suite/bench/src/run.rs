//! One run: lay the ground, start the servers, measure what was asked for, say it.

use std::path::PathBuf;
use std::process::Command;

use crate::flows::{self, Flow};
use crate::ground::{self, Ground};
use crate::options::Options;
use crate::process::Process;
use crate::rounds::{SIGNED_RATE, Servers, Timing};
use crate::seed::{self, Amounts, Seeded};
use crate::{count, database, floor, growth, peer, rates, reads, report, start};

/// Grants of a quick run, and the lower end of growth.
pub(crate) const FEW: usize = 100_000;
/// Grants of a full run.
pub(crate) const MANY: usize = 1_000_000;

/// Says something to people: results to stdout unless machines read that.
pub(crate) struct Voice {
    json: bool,
}

impl Voice {
    /// A line for people.
    pub(crate) fn say(&self, line: &str) {
        if self.json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    }

    /// An object for machines.
    pub(crate) fn object(&self, object: &serde_json::Value) {
        if self.json {
            println!("{object}");
        }
    }
}

/// Runs what the options ask for.
pub(crate) fn run(options: &Options) -> Result<(), String> {
    let voice = Voice { json: options.json };
    if options.list {
        flows::ALL.iter().for_each(|f| voice.say(&format!("{:<18} {}", f.name, f.about)));
        return Ok(());
    }
    if options.count {
        return count::run(options, &voice);
    }
    if options.reads {
        return reads::run(options, &voice);
    }
    if let Some(count) = options.grants {
        return growth::run(options, &voice, count);
    }
    let grants = if options.quick { FEW } else { MANY };
    let (servers, bytes_per_grant) = servers(options, grants)?;
    if options.store.is_some() {
        return database::run(options, &voice, &servers);
    }
    if !options.rate.is_empty() {
        return rates::run(options, &voice, &servers);
    }
    let full = options.flow.is_empty();
    if full {
        let grants = amounts(options, grants).grants;
        start::run(options, &voice)?;
        voice.say(&format!("{grants} grants on disk, {bytes_per_grant:.0} bytes each"));
        voice.object(&serde_json::json!({
            "flow": "grants", "grants": grants, "bytes_per_grant": report::rounded(bytes_per_grant),
        }));
    }
    voice.say(&report::heading());
    let mut failed = vec![];
    for flow in flows::ALL.iter().filter(|flow| options.wants(flow.name)) {
        eprintln!("  {}: {}", flow.name, flow.about);
        let measured = servers.measure(flow, options.rounds, timing(options))?;
        voice.say(&report::line(&measured));
        voice.object(&report::object(&measured));
        if report::failures(&measured) > 0 {
            let example = report::example(&measured).unwrap_or_default();
            failed.push(format!("{}: {example}", flow.name));
        }
    }
    if let Some(name) = &options.peer {
        peer::run(name, options, (&voice, &servers))?;
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("wrong answers: {}", failed.join("; "))) }
}

/// How long a measurement takes.
pub(crate) fn timing(options: &Options) -> Timing {
    Timing { warm: options.warm(), window: options.window() }
}

/// What flows that use something up need of it: as much as a fast machine can use.
fn amounts(options: &Options, grants: usize) -> Amounts {
    let seconds = timing(options).warm.as_secs_f64() + timing(options).window.as_secs_f64();
    let uses = |flow: &str, rate: f64| {
        let rounds = options.rounds as f64;
        if options.wants(flow) { (seconds * rounds * rate) as usize } else { 0 }
    };
    // Beside a peer ours answers once more.
    let times = if options.peer.is_some() { 2 } else { 1 };
    let revocable = uses("revoke", 60_000.0);
    // One token of a grant is given back. Growth has the numbers of grants that it was asked for.
    let grants = if options.grants.is_some() { grants } else { grants.max(revocable) };
    Amounts {
        grants,
        codes: times * uses("code", 6_000.0),
        revocable: (times * revocable).min(grants),
        chains: 6_400,
        fapi_codes: uses("code-dpop", SIGNED_RATE),
    }
}

/// Lays the ground and fills the stores; the binary is the server's.
pub(crate) fn filled(
    options: &Options,
    amounts: Amounts,
) -> Result<(Ground, PathBuf, Seeded), String> {
    let binary = ground::binary(options.binary.as_deref())?;
    eprintln!("  keys, clients, configuration");
    let ground = Ground::lay(options.store.as_deref())?;
    ground.first_start(&binary)?;
    floor::prepare(&ground)?;
    eprintln!("  {} living grants, for both servers", amounts.grants);
    let seeded = seed::seed(&ground, amounts)?;
    Ok((ground, binary, seeded))
}

/// Lays the ground, fills the stores and starts both servers.
pub(crate) fn servers(options: &Options, grants: usize) -> Result<(Servers, f64), String> {
    let (ground, binary, seeded) = filled(options, amounts(options, grants))?;
    let mut ours = Process::counterfoil(&binary, &ground.config())?;
    ours.beside = options.postmaster;
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let folder = ground.path("");
    let floor = Process::told_by_json(Command::new(own).arg("floor").arg(folder))?;
    let servers =
        Servers { ground, ours, our_handles: seeded.ours, floor, floor_handles: seeded.floor };
    Ok((servers, seeded.bytes_per_grant))
}

/// The flows of a mode that has its own choice, unless some were named.
pub(crate) fn chosen<'f>(options: &Options, own: &[&str]) -> Vec<&'f Flow> {
    let named = |name: &&str| flows::named(name);
    if options.flow.is_empty() {
        return own.iter().filter_map(named).collect();
    }
    flows::ALL.iter().filter(|flow| options.wants(flow.name)).collect()
}

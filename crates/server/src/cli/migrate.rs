//! `counterfoil migrate plan` and `migrate run`: the tables of a store at a server, step by step.

use counterfoil_store::PostgresStore;
use counterfoil_store::postgres::{Plan, STEPS, Step};
use serde::Serialize;

use super::arguments::MigrateVerb;
use crate::boot::told;
use crate::config;
use crate::failure::Failure;

#[derive(Serialize)]
struct Shown<'p> {
    found: i64,
    known: i64,
    steps: Vec<ShownStep>,
    held_up_by: &'p [String],
}

#[derive(Serialize)]
struct ShownStep {
    version: i64,
    kind: &'static str,
    about: &'static str,
}

pub(super) fn run(verb: MigrateVerb) -> Result<(), Failure> {
    match verb {
        MigrateVerb::Plan { config, json } => {
            let url = store(&config)?;
            let plan = PostgresStore::plan(&url, STEPS).map_err(|e| told(&e))?;
            if json { print_json(&plan) } else { print(&plan) }
        }
        MigrateVerb::Run { config } => {
            let url = store(&config)?;
            let plan = PostgresStore::migrate(&url, STEPS).map_err(|e| told(&e))?;
            let held_up = plan.held_up();
            let last = held_up.map_or(i64::MAX, |step| step.version);
            for step in plan.steps.iter().filter(|step| step.version < last) {
                super::out(&format!("taken: {}", line(step)));
            }
            match held_up {
                None if plan.steps.is_empty() => print(&plan),
                None => Ok(()),
                Some(step) => Err(Failure { code: 5, text: waits(step, &plan) }),
            }
        }
    }
}

/// The store that is set, if it has tables to bring up to date by hand.
fn store(path: &std::path::Path) -> Result<String, Failure> {
    let (settings, _) = config::load(path, &config::environment())?;
    let url = settings.store;
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Ok(url);
    }
    let shown = counterfoil_store::open::shown(&url);
    Err(Failure::usage(format!(
        "{shown} needs no migration: the server brings a file up to date when it starts"
    )))
}

fn print(plan: &Plan) -> Result<(), Failure> {
    if plan.steps.is_empty() {
        super::out(&format!("nothing to do: the tables have version {}", plan.found));
    }
    for step in &plan.steps {
        super::out(&line(step));
    }
    if let Some(step) = plan.held_up() {
        eprintln!("{}", waits(step, plan));
    }
    Ok(())
}

fn print_json(plan: &Plan) -> Result<(), Failure> {
    let step = |step: &&'static Step| ShownStep {
        version: step.version,
        kind: kind(step),
        about: step.about,
    };
    let steps = plan.steps.iter().map(step).collect();
    let Plan { found, known, behind, .. } = plan;
    let shown = Shown { found: *found, known: *known, steps, held_up_by: behind };
    let text = serde_json::to_string(&shown).map_err(|e| Failure::failed(e.to_string()))?;
    super::out(&text);
    Ok(())
}

fn line(step: &Step) -> String {
    format!("{:3}  {:8}  {}", step.version, kind(step), step.about)
}

fn kind(step: &Step) -> &'static str {
    if step.contracts { "contract" } else { "expand" }
}

fn waits(step: &Step, plan: &Plan) -> String {
    format!(
        "step {} waits until no older program runs; still running: {}. Bring them up to date, then \
         run this again",
        step.version,
        plan.behind.join(", ")
    )
}

//! `counterfoil backup` and `counterfoil restore`: copies of a store in one file. The key file is
//! never in a copy: whoever has both can mint every token.

use std::path::{Path, PathBuf};

use counterfoil_engine::keys::LoadedKey;
use counterfoil_engine::store::{Key, Query, Record, Store as _};
use counterfoil_store::SqliteStore;
use counterfoil_store::sqlite::{Report, backup, examine, restore};

use super::arguments::{BackupVerb, RestoreOptions};
use super::client::everything;
use crate::failure::Failure;
use crate::operator::ask::ask;
use crate::operator::health::{Asked, Status};
use crate::system::{SystemDice, micros};
use crate::{keyfile, vigil};

pub(super) async fn run(verb: BackupVerb) -> Result<(), Failure> {
    match verb {
        BackupVerb::Create { file, store } => create(&store, &file),
        BackupVerb::Verify { file, state } => verify(&file, &state).await,
    }
}

/// Also while a server works on the store: the copy is of one moment, and commits do not wait for it.
fn create(store: &Path, file: &Path) -> Result<(), Failure> {
    let refused = |e: &dyn std::fmt::Display| {
        Failure::failed(format!("no backup of {}: {e}", store.display()))
    };
    backup(store, file).map_err(|e| refused(&e))?;
    let report = sound(file)?;
    describe(&report);
    eprintln!(
        "written to {}. The keys are not in it: keep a copy of the key file in another place.\n\
         next: counterfoil backup verify {}",
        file.display(),
        file.display()
    );
    Ok(())
}

/// Restores into a folder of its own and looks at everything; the file itself is only read.
async fn verify(file: &Path, state: &Path) -> Result<(), Failure> {
    let told = |e: &dyn std::fmt::Display| Failure::failed(format!("{}: {e}", file.display()));
    let folder = tempfile::tempdir().map_err(|e| told(&e))?;
    let trial = folder.path().join("store.db");
    restore(file, &trial).map_err(|e| told(&e))?;
    // As a server opens it: brings an older schema up to date.
    let opened = SqliteStore::open(&trial, Box::new(micros)).map_err(|e| told(&e))?;
    let keys = state.join("keys/handle-keys.toml");
    let signing = if keys.exists() { Some(signing_keys(&opened, &keys).await?) } else { None };
    drop(opened);
    let report = sound(&trial).map_err(|failure| told(&failure))?;
    describe(&report);
    match signing {
        Some((open, all)) if open == all => {
            super::out(&format!(
                "{:12}  {all}, all of them open with the key file",
                "signing keys"
            ));
        }
        Some((open, all)) => {
            let what = format!("{} of {all} signing keys do not open with", all - open);
            return Err(told(&format!("{what} {}", keys.display())));
        }
        None => eprintln!("there is no key file at {}: signing keys not tried", keys.display()),
    }
    eprintln!("{} is sound", file.display());
    Ok(())
}

/// How many signing keys the key file opens, and how many there are.
async fn signing_keys(store: &SqliteStore, path: &Path) -> Result<(usize, usize), Failure> {
    let file = keyfile::load_or_make(path, &mut SystemDice)?;
    let (mut open, mut all) = (0, 0);
    for (key, _) in everything(store, &Query::Tenants).await? {
        let tenant = key.tenant().clone();
        let Some(Record::KeySet(set)) = one(store, Key::KeySet(tenant.clone())).await? else {
            continue;
        };
        for entry in set.keys {
            all += 1;
            let stored = one(store, Key::SigningKey(tenant.clone(), entry.kid)).await?;
            if let Some(Record::SigningKey(stored)) = stored
                && LoadedKey::load(&stored, entry.state, &file.wrapping).is_some()
            {
                open += 1;
            }
        }
    }
    Ok((open, all))
}

async fn one(store: &SqliteStore, key: Key) -> Result<Option<Record>, Failure> {
    let found = store.read(&[key]).await;
    let found = found.map_err(|_| Failure::failed("the restored store does not answer"))?;
    Ok(found.into_iter().next().flatten().map(|found| found.record))
}

pub(super) async fn restoring(options: RestoreOptions) -> Result<(), Failure> {
    let RestoreOptions { file, plan, accept: _, state, store } = options;
    let store = store.unwrap_or_else(|| state.join("store.db"));
    match file {
        Some(file) => restored(&file, &store, &state, plan),
        None => accept(&state).await,
    }
}

/// What would happen, or makes it happen. The store that is there is moved aside, never removed.
fn restored(file: &Path, store: &Path, state: &Path, plan: bool) -> Result<(), Failure> {
    let report = sound(file)?;
    describe(&report);
    let there = examine(store).ok();
    let lost = there.as_ref().filter(|there| there.mark.store == report.mark.store);
    let lost = lost.map(|there| there.mark.number.saturating_sub(report.mark.number));
    match (&there, lost) {
        (None, _) => eprintln!("there is no store at {}", store.display()),
        (Some(_), None) => eprintln!("{} is another store", store.display()),
        (Some(_), Some(n)) => {
            eprintln!("{} has {n} events that the copy does not have", store.display());
        }
    }
    let (keys, known) = (state.join("keys"), there.as_ref().map(|there| &there.mark));
    let doubt = vigil::doubts(&report.mark, known, &keys)?;
    match &doubt {
        Some(why) => eprintln!(
            "the server will start in quarantine: {why}. Nothing is issued and nothing is active \
             until you say `counterfoil restore --accept`"
        ),
        None => eprintln!("the server will start as usual"),
    }
    if plan {
        eprintln!("nothing was changed; without --plan this is done");
        return Ok(());
    }
    let refused = |e: &dyn std::fmt::Display| {
        Failure::failed(format!("{} was not restored: {e}", store.display()))
    };
    // The server may have died before it had written this down.
    if let Some(mark) = known
        && keys.exists()
    {
        vigil::raise(mark, &keys)?;
    }
    let aside: Option<PathBuf> = restore(file, store).map_err(|e| refused(&e))?;
    if let Some(aside) = aside {
        eprintln!("what was there is now {}", aside.display());
    }
    eprintln!("restored to {}; next: start the server", store.display());
    Ok(())
}

/// Ends the quarantine of a running server.
async fn accept(state: &Path) -> Result<(), Failure> {
    let status: Status = ask(state, "/restore/accept", &Asked {}).await?;
    super::status::print(&status);
    eprintln!("the store counts as it is; what was revoked after the copy was made is alive again");
    Ok(())
}

fn sound(file: &Path) -> Result<Report, Failure> {
    let report = examine(file).map_err(|e| Failure::failed(e.to_string()))?;
    match report.faults.as_slice() {
        [] => Ok(report),
        faults => {
            Err(Failure::failed(format!("{} is damaged: {}", file.display(), faults.join("; "))))
        }
    }
}

fn describe(report: &Report) {
    for (kind, count) in report.records.iter().filter(|(_, count)| *count > 0) {
        super::out(&format!("{:12}  {count}", kind.name()));
    }
    let newest = report.newest.and_then(|at| i64::try_from(at.0).ok());
    let newest = newest.and_then(|at| jiff::Timestamp::from_second(at).ok());
    let newest = newest.map(|at| format!(", the newest of {at}")).unwrap_or_default();
    super::out(&format!("{:12}  {}{newest}", "events", report.events));
}

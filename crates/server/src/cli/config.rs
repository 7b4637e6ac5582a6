//! `counterfoil config check` and `config show`.

use std::collections::BTreeMap;
use std::path::Path;

use super::arguments::ConfigVerb;
use crate::config::{self, Effective};
use crate::failure::Failure;
use crate::keyfile::Source;
use crate::resources::Addresses;
use crate::system::SystemDice;
use crate::{boot, keyfile, resources, tls};

pub(super) fn run(verb: ConfigVerb) -> Result<(), Failure> {
    match verb {
        ConfigVerb::Check { config } => check(&config),
        ConfigVerb::Show { config, origin, json } => {
            let (_, mut effective) = config::load(&config, &config::environment())?;
            if let Some(store) = effective.get_mut("store") {
                store.text = counterfoil_store::open::shown(&store.text);
            }
            show(&effective, origin, json)
        }
    }
}

/// Everything that a start would read, without a start.
fn check(path: &Path) -> Result<(), Failure> {
    let (settings, _) = config::load(path, &config::environment())?;
    // Without a key file nothing has been started yet; a throw-away one checks the same.
    let scratch = tempfile::tempdir().map_err(|e| Failure::failed(e.to_string()))?;
    let source = match settings.keys {
        Source::State(path) if !path.exists() => Source::State(config::key_file(scratch.path())),
        given @ (Source::State(_) | Source::File(_) | Source::Text(_)) => given,
    };
    let (keys, _) = keyfile::load(&source, &mut SystemDice)?;
    let loaded = resources::load(&settings.resources, &Addresses::one(&settings.issuer), &keys)?;
    counterfoil_store::open::check(&settings.store).map_err(|e| boot::told(&e))?;
    if let Some((cert, key)) = &settings.tls {
        tls::server(cert, key)?;
    }
    if let Some(templates) = &settings.templates {
        counterfoil_web::ui::render::Pages::new(Some(templates)).map_err(Failure::config)?;
    }
    let desired = &loaded.desired;
    super::out(&format!(
        "ok: {} tenants, {} clients, {} users",
        desired.tenants.len(),
        desired.clients.len(),
        desired.subjects.len()
    ));
    Ok(())
}

fn show(effective: &Effective, origin: bool, json: bool) -> Result<(), Failure> {
    if json {
        let all: BTreeMap<&str, BTreeMap<&str, &str>> = effective
            .iter()
            .map(|(key, value)| {
                let pair = [("value", value.text.as_str()), ("origin", value.origin.as_str())];
                (*key, BTreeMap::from(pair))
            })
            .collect();
        let text = serde_json::to_string(&all).map_err(|e| Failure::failed(e.to_string()))?;
        super::out(&text);
        return Ok(());
    }
    let width = effective.keys().map(|key| key.len()).max().unwrap_or(0);
    let values = effective.values().map(|v| v.text.len()).max().unwrap_or(0);
    for (key, value) in effective {
        if origin {
            super::out(&format!("{key:width$}  {:values$}  {}", value.text, value.origin));
        } else {
            super::out(&format!("{key:width$}  {}", value.text));
        }
    }
    Ok(())
}

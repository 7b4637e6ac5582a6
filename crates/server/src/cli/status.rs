//! `counterfoil status`: whether a server is ready, and what keeps it from being so.

use super::arguments::StatusOptions;
use crate::failure::Failure;
use crate::operator::ask::ask;
use crate::operator::health::{Asked, Status};

pub(super) async fn run(options: StatusOptions) -> Result<(), Failure> {
    let StatusOptions { state, json, quiet } = options;
    let status: Status = ask(&state, "/status", &Asked {}).await?;
    if json {
        let text = serde_json::to_string(&status);
        super::out(&text.map_err(|e| Failure::failed(e.to_string()))?);
    } else if !quiet {
        print(&status);
    }
    let failing = status.checks.iter().filter(|check| check.failing.is_some());
    let names: Vec<&str> = failing.map(|check| check.name.as_str()).collect();
    if status.ready { Ok(()) } else { Err(not_ready(&names)) }
}

pub(super) fn print(status: &Status) {
    for check in &status.checks {
        let failing = check.failing.as_deref().unwrap_or("ok");
        super::out(&format!("{:10}  {failing}", check.name));
    }
}

fn not_ready(names: &[&str]) -> Failure {
    Failure::failed(format!("the server is not ready: {}", names.join(", ")))
}

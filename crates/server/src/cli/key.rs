//! `counterfoil key list` and `key rotate`: asked of the running server, which alone writes.

use crate::failure::Failure;
use crate::operator::ask::ask;
use crate::operator::keys::{Asked, Line};

use super::arguments::{KeyOptions, KeyVerb};

pub(super) async fn run(verb: KeyVerb) -> Result<(), Failure> {
    match verb {
        KeyVerb::List { options } => {
            let KeyOptions { tenant, alg, json, state } = options;
            let asked = Asked { tenant, alg, now: false };
            let lines: Vec<Line> = ask(&state, "/key/list", &asked).await?;
            print(&lines, json)
        }
        KeyVerb::Rotate { options, now } => {
            let KeyOptions { tenant, alg, json, state } = options;
            let asked = Asked { tenant, alg, now };
            let lines: Vec<Line> = ask(&state, "/key/rotate", &asked).await?;
            print(&lines, json)?;
            if !now {
                eprintln!("published; each signs from the moment shown, by itself");
            }
            Ok(())
        }
    }
}

fn print(lines: &[Line], json: bool) -> Result<(), Failure> {
    if json {
        let text = serde_json::to_string(lines).map_err(|e| Failure::failed(e.to_string()))?;
        super::out(&text);
        return Ok(());
    }
    let width = lines.iter().map(|line| line.tenant.len()).max().unwrap_or(0).max(6);
    super::out(&format!("{:width$}  {:6}  {:16}  {:8}  then", "tenant", "alg", "kid", "state"));
    for line in lines {
        let then = match line.state.as_str() {
            "next" => "signs from",
            "active" => "is followed from",
            _ => "is gone at",
        };
        let Line { tenant, alg, kid, state, .. } = line;
        let at = moment(line.until);
        super::out(&format!("{tenant:width$}  {alg:6}  {kid:16}  {state:8}  {then} {at}"));
    }
    Ok(())
}

fn moment(seconds: u64) -> String {
    let at = i64::try_from(seconds).ok().and_then(|at| jiff::Timestamp::from_second(at).ok());
    at.map(|at| at.to_string()).unwrap_or_default()
}

//! `counterfoil-bench`: what every flow costs the server as it is shipped, beside a floor server that
//! does nothing but the work named. Run by `cargo xtask bench`; method in docs/performance.md.

mod options;
mod ground;
mod handle;
mod row;
mod process;
mod drive;
mod floor;
mod seed;
mod works;
mod fapi;
mod flows;
mod rounds;
mod report;
mod start;
mod rates;
mod growth;
mod database;
mod peer;
mod count;
mod reads;
mod run;

use std::path::Path;
use std::process::ExitCode;

/// The same as the server's: the floor must not win by it, nor lose.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["floor", folder] => floor::serve(Path::new(folder)),
        _ => options::parse().and_then(|options| run::run(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

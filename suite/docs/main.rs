//! Every shell block of the README and the documentation runs, and prints what the page shows.
//!
//! A page is a script: its `sh` blocks run one after the other in an empty folder with `counterfoil`
//! on the path. `sh server` starts something that stays. A `text` block right behind shows what the
//! block prints; `…` stands for anything.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The binary under test: named by whoever has built it, or built here.
#[expect(clippy::disallowed_methods, reason = "how the check names the binary it has built")]
fn binary() -> PathBuf {
    if let Ok(path) = std::env::var("COUNTERFOIL_BINARY") {
        return path.into();
    }
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "-p", "counterfoil-server"])
        .current_dir(root())
        .status()
        .unwrap();
    assert!(built.success(), "the binary does not build");
    root().join("target/debug/counterfoil")
}

#[derive(Debug)]
struct Block {
    info: String,
    text: String,
    line: usize,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = vec![];
    let mut open: Option<Block> = None;
    for (n, line) in page.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { info: info.trim().into(), text: String::new(), line: n + 1 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    blocks
}

fn pages() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What a block means here: the build was done by whoever runs this test.
fn adapted(text: &str) -> String {
    text.lines()
        .filter(|line| !line.contains("cargo xtask") && !line.contains("cargo build"))
        .map(|line| line.replace("cargo run --release --", "counterfoil"))
        .collect::<Vec<_>>()
        .join("\n")
}

const WAIT: &str =
    "for _ in $(seq 200); do curl -s -o /dev/null localhost:8080/jwks && break; sleep 0.05; done";

fn script(blocks: &[Block]) -> String {
    let mut script = String::from("set -eu\n");
    for (n, block) in blocks.iter().enumerate() {
        let text = adapted(&block.text);
        match block.info.as_str() {
            "sh server" => {
                let _ = write!(script, "( {text} ) >server-{n}.log 2>&1 &\n{WAIT}\n");
            }
            "sh" => {
                let line = block.line;
                let _ = write!(script, "echo 'block at line {line}' >&2\n{{ {text}\n}} >out-{n}\n");
            }
            _ => {}
        }
    }
    script
}

/// Whether `shown` describes `printed`: its lines in order, `…` for anything.
fn describes(shown: &str, printed: &str) -> Result<(), String> {
    let mut rest = printed;
    for part in
        shown.lines().flat_map(|line| line.split('…')).filter(|part| !part.trim().is_empty())
    {
        let Some(at) = rest.find(part.trim()) else {
            return Err(format!("{part:?} is not in {printed:?}"));
        };
        rest = &rest[at + part.trim().len()..];
    }
    Ok(())
}

fn run(page: &Path, blocks: &[Block]) {
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(binary(), bin.join("counterfoil")).unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    std::fs::write(folder.path().join("script"), script(blocks)).unwrap();
    // In a session of its own, so that whatever it started ends with it.
    let shell =
        "setsid bash ../script & job=$!; wait $job; code=$?; pkill -TERM -s $job; exit $code";
    let done = Command::new("bash")
        .args(["-c", shell])
        .current_dir(&work)
        .env("PATH", format!("{}:{}", bin.display(), path()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{}: {}\n{said}", page.display(), done.status);
    for pair in blocks.iter().enumerate().collect::<Vec<_>>().windows(2) {
        let [(n, ran), (_, shown)] = pair else { continue };
        if ran.info == "sh" && shown.info == "text" {
            let printed = std::fs::read_to_string(work.join(format!("out-{n}"))).unwrap();
            let at = format!("{}:{}", page.display(), ran.line);
            describes(&shown.text, &printed).unwrap_or_else(|e| panic!("{at}: {e}"));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the path of whoever runs the test")]
fn path() -> String {
    std::env::var("PATH").unwrap()
}

/// One test: the pages use the default ports, so they run one after the other.
#[test]
fn every_shell_block_of_the_documentation_runs() {
    let mut ran = 0;
    for page in pages() {
        let blocks = blocks(&std::fs::read_to_string(&page).unwrap());
        if blocks.iter().any(|block| block.info == "sh") {
            println!("{}", page.display());
            run(&page, &blocks);
            ran += 1;
        }
    }
    assert!(ran > 1, "no page was found");
}

#[test]
fn a_page_that_shows_something_else_is_seen() {
    assert!(describes("{\"a\":\"…\",\"b\":1}", "{\"a\":\"x\",\"b\":1}").is_ok());
    assert!(describes("{\"a\":\"…\",\"b\":2}", "{\"a\":\"x\",\"b\":1}").is_err());
}

//! The server as it is shipped, on a disk that takes orders: the file named by `DISK_ORDERS`
//! says what goes wrong. Everything but the disk is the same code; the log is folded sooner, so that
//! it is folded at all before the server dies.

use std::path::Path;
use std::process::ExitCode;

use counterfoil_disk::Disk;
use counterfoil_store::sqlite::LogPages;

#[expect(clippy::disallowed_methods, reason = "how a test says where its orders are")]
fn main() -> ExitCode {
    let orders = std::env::var("DISK_ORDERS");
    match (orders, Disk::under(Path::new("/"))) {
        (Ok(orders), Ok(disk)) => disk.take_orders(Path::new(&orders)),
        (Err(_), Ok(_)) => {}
        (_, Err(why)) => {
            eprintln!("counterfoil-disk: {why}");
            return ExitCode::FAILURE;
        }
    }
    LogPages { part: 8, max: 48 }.set_for_process();
    counterfoil_server::cli::main()
}

//! Every id of the test lists of surfaces.md stands in the id of a row or in the name of a test.

use std::collections::BTreeSet;

use crate::table::rows;
use crate::tables::tables;
use crate::world::{file, folder};

/// F1 to F14, M1 to M11, W1 to W12. M12 and M13 belong to endpoints that are not built.
const LISTS: [(char, u32); 3] = [('F', 14), ('M', 11), ('W', 12)];

fn names() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = tables()
        .flat_map(rows)
        .filter_map(|row| row.id.split('.').next().map(str::to_owned))
        .collect();
    for entry in std::fs::read_dir(folder("")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".rs") {
            continue;
        }
        for line in file(&name).lines() {
            let Some(rest) = line.strip_prefix("fn ") else { continue };
            names.extend(rest.split('_').next().map(str::to_uppercase));
        }
    }
    names
}

#[test]
fn every_id_of_the_test_lists_has_a_row_or_a_test() {
    let names = names();
    for (list, count) in LISTS {
        for n in 1..=count {
            assert!(names.contains(&format!("{list}{n}")), "{list}{n} has neither");
        }
    }
}

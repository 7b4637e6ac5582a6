//! Whether authorization details lie within others (RFC 9396 §6): fewer objects, shorter lists, and
//! otherwise the same. Whatever cannot be compared that way is more, and not less.

use serde_json::Value;

/// Whether every one of `asked` lies within another one of `granted`. Each is used once: what was
/// allowed once is not allowed twice.
pub(super) fn all_within(asked: &[Value], granted: &[Value]) -> bool {
    // A matching in a bipartite graph: who has taken which of the granted ones.
    let mut taken: Vec<Option<usize>> = vec![None; granted.len()];
    (0..asked.len()).all(|one| {
        let mut tried = vec![false; granted.len()];
        place(one, asked, granted, (&mut taken, &mut tried))
    })
}

/// Finds room for `one`, moving others where they have a second choice. As deep as the list is long.
fn place(
    one: usize,
    asked: &[Value],
    granted: &[Value],
    (taken, tried): (&mut Vec<Option<usize>>, &mut Vec<bool>),
) -> bool {
    for at in 0..granted.len() {
        if tried[at] || !within(&asked[one], &granted[at]) {
            continue;
        }
        tried[at] = true;
        if taken[at].is_none_or(|other| place(other, asked, granted, (taken, tried))) {
            taken[at] = Some(one);
            return true;
        }
    }
    false
}

/// Lists are sets: none may become empty. Objects have the same members.
fn within(asked: &Value, granted: &Value) -> bool {
    match (asked, granted) {
        (Value::Array(asked), Value::Array(granted)) => {
            !asked.is_empty()
                && asked.iter().all(|one| granted.iter().any(|other| within(one, other)))
        }
        (Value::Object(asked), Value::Object(granted)) => {
            asked.len() == granted.len()
                && asked.iter().all(|(name, value)| {
                    granted.get(name).is_some_and(|other| within(value, other))
                })
        }
        _ => asked == granted,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Values of the forms that details have, out of few parts, so that they often lie within others.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof!["[ab]".prop_map(Value::from), (0..2_u64).prop_map(Value::from),];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 1..3).prop_map(Value::from),
                proptest::collection::btree_map("[xy]", inner, 1..3)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn some() -> impl Strategy<Value = Vec<Value>> {
        proptest::collection::vec(value(), 1..4)
    }

    /// The leaves of a value, with the way to each.
    fn leaves(value: &Value, way: &str, out: &mut Vec<String>) {
        match value {
            Value::Array(values) => values.iter().for_each(|v| leaves(v, &format!("{way}[]"), out)),
            Value::Object(members) => {
                members.iter().for_each(|(name, v)| leaves(v, &format!("{way}.{name}"), out));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                out.push(format!("{way}={value}"));
            }
        }
    }

    proptest! {
        #[test]
        fn what_lies_within_says_nothing_new(asked in some(), granted in some()) {
            if all_within(&asked, &granted) {
                prop_assert!(asked.len() <= granted.len());
                let (mut said, mut allowed) = (vec![], vec![]);
                asked.iter().for_each(|value| leaves(value, "", &mut said));
                granted.iter().for_each(|value| leaves(value, "", &mut allowed));
                prop_assert!(said.iter().all(|leaf| allowed.contains(leaf)));
            }
        }

        #[test]
        fn narrowing_twice_is_narrowing(a in some(), b in some(), c in some()) {
            prop_assert!(all_within(&a, &a));
            if all_within(&a, &b) && all_within(&b, &c) {
                prop_assert!(all_within(&a, &c));
            }
        }

        #[test]
        fn what_was_taken_out_is_not_had_again(whole in some(), at in 0..4_usize) {
            let mut less = whole.clone();
            less.remove(at % whole.len());
            prop_assert!(less.is_empty() || all_within(&less, &whole));
            prop_assert!(!all_within(&whole, &less));
        }
    }

    #[test]
    fn less_is_less_and_more_is_more() {
        let granted = [
            json!({"type": "a", "actions": ["x", "y"], "to": {"iban": "1"}, "n": 5}),
            json!({"type": "b", "resources": [{"t": "A", "c": ["p", "q"]}, {"t": "B", "c": ["p"]}]}),
        ];
        for less in [
            json!([{"type": "a", "actions": ["y"], "to": {"iban": "1"}, "n": 5}]),
            json!([{"type": "b", "resources": [{"t": "A", "c": ["q"]}]}]),
            json!([granted[1], granted[0]]),
        ] {
            assert!(all_within(less.as_array().unwrap(), &granted), "{less}");
        }
        for more in [
            json!([{"type": "a", "actions": [], "to": {"iban": "1"}, "n": 5}]),
            json!([{"type": "a", "actions": ["x"], "n": 5}]),
            json!([{"type": "a", "actions": ["x"], "to": {"iban": "2"}, "n": 5}]),
            json!([{"type": "a", "actions": ["x"], "to": {"iban": "1"}, "n": 4}]),
            json!([{"type": "a", "actions": ["x", "z"], "to": {"iban": "1"}, "n": 5}]),
            json!([{"type": "b", "resources": [{"t": "B", "c": ["q"]}]}]),
            json!([granted[0], granted[0]]),
        ] {
            assert!(!all_within(more.as_array().unwrap(), &granted), "{more}");
        }
    }

    #[test]
    fn the_first_choice_gives_way_to_who_has_no_other() {
        let granted = [json!(["a", "b"]), json!(["a"])];
        assert!(all_within(&[json!(["a"]), json!(["b"])], &granted));
        assert!(all_within(&[json!(["b"]), json!(["a"])], &granted));
        assert!(!all_within(&[json!(["b"]), json!(["b"])], &granted));
    }
}

//! Details as they are judged, shown, ended and filled in.

use serde_json::json;

use super::types::{ALL, Fact};
use super::*;

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

fn of(all: Value) -> Details {
    Details(all.as_array().unwrap().clone())
}

fn good() -> [Value; 3] {
    [
        json!({
            "type": "account_information", "actions": ["list_accounts", "read_balances"],
            "expirationDate": "2027-05-20", "locations": ["https://api.example"],
        }),
        json!({
            "type": "payment_initiation", "actions": ["initiate", "status", "cancel"],
            "instructedAmount": {"currency": "EUR", "amount": "123.50"},
            "creditorName": "Merchant A", "creditorAccount": {"iban": "DE02100100109307118603"},
            "remittanceInformationUnstructured": "Ref Number Merchant",
            "requestedExecutionDate": "2027-05-20",
        }),
        json!({
            "type": "fdx_v1.0", "consentRequest": {
                "durationType": "TIME_BOUND", "durationPeriod": 90, "lookbackPeriod": 60,
                "resources": [
                    {"resourceType": "ACCOUNT", "dataClusters": ["TRANSACTIONS", "STATEMENTS"]},
                    {"resourceType": "CUSTOMER", "dataClusters": ["CUSTOMER_CONTACT"]},
                ],
            },
        }),
    ]
}

/// Every way to spoil one member of a value, wherever it stands.
fn spoiled(value: &Value) -> Vec<Value> {
    let mut out = vec![Value::Null, json!(-1), json!(true)];
    match value {
        Value::Object(members) => {
            let mut more = members.clone();
            more.insert("undocumented".into(), json!("x"));
            out.push(more.into());
            for (name, member) in members {
                for bad in spoiled(member) {
                    let mut other = members.clone();
                    other.insert(name.clone(), bad);
                    out.push(other.into());
                }
            }
        }
        Value::Array(values) => {
            out.push(json!([]));
            out.push([&values[..], &values[..1]].concat().into());
            for (at, one) in values.iter().enumerate() {
                for bad in spoiled(one) {
                    let mut other = values.clone();
                    other[at] = bad;
                    out.push(other.into());
                }
            }
        }
        Value::String(text) => {
            out.push(json!(""));
            out.push(format!("{text}\u{7}").into());
            out.push("x".repeat(600).into());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => out.push(json!(1_000_000)),
    }
    out
}

#[test]
fn nothing_undocumented_fits() {
    for (kind, good) in ALL.iter().zip(good()) {
        assert!(kind.shape.fits(&good), "{good}");
        for bad in spoiled(&good) {
            assert!(!kind.shape.fits(&bad), "{bad}");
        }
        let other = ALL.iter().filter(|other| other.name != kind.name);
        assert!(other.into_iter().all(|other| !other.shape.fits(&good)));
    }
    let payment = &ALL[1].shape;
    let mut two = good()[1].clone();
    two["creditorAccount"]["bban"] = "1".into();
    assert!(!payment.fits(&two), "one account, in one spelling");
    let fdx = &ALL[2].shape;
    let mut endless = good()[2].clone();
    endless["consentRequest"].as_object_mut().unwrap().remove("durationPeriod");
    assert!(!fdx.fits(&endless), "bound by time, and no time");
    endless["consentRequest"]["durationType"] = "PERSISTENT".into();
    assert!(fdx.fits(&endless));
}

#[test]
fn every_word_that_is_said_is_listed_and_every_member_is_told() {
    for (kind, good) in ALL.iter().zip(good()) {
        let lines = (kind.lines)(good.as_object().unwrap());
        let mut words = vec![kind.title];
        for line in &lines {
            assert!(!line.facts.is_empty(), "{line:?}");
            words.push(line.label);
            words.extend(line.facts.iter().filter_map(|fact| match fact {
                Fact::Word(word) | Fact::Count { text: word, .. } => Some(*word),
                Fact::Text(_) | Fact::Amount { .. } | Fact::Date(_) => None,
            }));
        }
        assert!(words.iter().all(|word| kind.texts.contains(word)), "{words:?}");
    }
    let said = of(json!(good())).said();
    let payment = format!("{:?}", said[1].1);
    for part in ["123.50", "EUR", "Merchant A", "DE02100100109307118603", "Ref Number Merchant"] {
        assert!(payment.contains(part), "{part}: {payment}");
    }
}

#[test]
fn details_end_when_the_first_of_them_ends() {
    let now = Moment(1_800_000_000);
    let [accounts, payment, fdx] = good();
    assert_eq!(of(json!([payment])).ends(now), None);
    assert_eq!(of(json!([fdx])).ends(now), Some(now.after(90 * 86_400)));
    let both = of(json!([fdx, accounts]));
    assert_eq!(both.ends(now), Some(now.after(90 * 86_400)));
    assert_eq!(of(json!([accounts])).ends(now), Some(Moment(1_810_857_599)));
    let mut once = fdx.clone();
    once["consentRequest"]["durationType"] = "ONE_TIME".into();
    assert_eq!(of(json!([once, accounts])).ends(now), Some(now.after(900)));
}

#[test]
fn the_accounts_are_those_that_were_chosen() {
    let (a, b, c) = (account("a"), account("b"), account("c"));
    let [any, payment, fdx] = good();
    let mut some = any.clone();
    some["accounts"] = json!(["b", "c"]);
    let only = of(json!([some, payment]));
    assert!(!only.admit(&a) && only.admit(&b) && only.admit(&c));
    assert!(of(json!([some, any])).admit(&a) && of(json!([some, fdx])).admit(&a));
    assert!(of(json!([payment])).admit(&a) && !of(json!([payment])).concern_accounts());
    assert!(of(json!([fdx])).concern_accounts());

    let given = of(json!([any, some, payment])).with_accounts(&[a.clone(), b]);
    assert_eq!(given.0[0]["accounts"], json!(["a", "b"]));
    assert_eq!(given.0[1]["accounts"], json!(["b"]));
    assert_eq!(given.0[2], payment);
    let given = of(json!([some, payment])).with_accounts(&[a]);
    assert_eq!(given.0, [payment], "what was given no account is not given");
}

#[test]
fn what_is_kept_is_what_was_judged() {
    let all = of(json!(good()));
    assert_eq!(Details::kept(all.text().as_deref()), all);
    assert_eq!(Details::kept(None).text(), None);
}

#[test]
fn a_schema_names_what_it_checks() {
    for kind in ALL {
        let schema = kind.schema();
        assert_eq!(schema["title"], kind.name);
        assert_eq!(schema["properties"]["type"]["enum"], json!([kind.name]));
        assert_eq!(schema["additionalProperties"], false);
        assert!(schema.to_string().len() < 4_096, "{}", schema.to_string().len());
    }
}

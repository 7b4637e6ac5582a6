//! `fdx_v1.0`: a consent request of the Financial Data Exchange (FDX API 6, Consent API,
//! `ConsentRequest`).

use serde_json::{Map, Value};

use super::shape::{Shape, needed, optional};
use super::types::{DetailsType, Fact, Line, list, text};

pub(super) const NAME: &str = "fdx_v1.0";
const DAY_S: u64 = 86_400;
/// One access: long enough to redeem the code and to fetch once.
const ONCE_S: u64 = 900;
/// The longest consent (profiles.md section 5).
const DAYS_MAX: u64 = 365;
/// How far back anybody keeps records: ten years.
const LOOKBACK_DAYS_MAX: u64 = 3_660;
const CLUSTERS: [&str; 14] = [
    "ACCOUNT_BASIC",
    "ACCOUNT_DETAILED",
    "ACCOUNT_PAYMENTS",
    "BILLS",
    "CUSTOMER_CONTACT",
    "CUSTOMER_PERSONAL",
    "IMAGES",
    "INVESTMENTS",
    "NOTIFICATIONS",
    "PAYMENT_SUPPORT",
    "REWARDS",
    "STATEMENTS",
    "TAX",
    "TRANSACTIONS",
];

/// See the module.
pub static FDX: &DetailsType = &DetailsType {
    name: NAME,
    title: "details-fdx",
    shape: Shape::Object(&[
        needed("type", Shape::Word(&[NAME])),
        needed(
            "consentRequest",
            Shape::Given(
                &[
                    needed("durationType", Shape::Word(&["ONE_TIME", "PERSISTENT", "TIME_BOUND"])),
                    optional("durationPeriod", Shape::Whole(1, DAYS_MAX)),
                    optional("lookbackPeriod", Shape::Whole(0, LOOKBACK_DAYS_MAX)),
                    needed("resources", Shape::List(&RESOURCE, 3)),
                ],
                ("durationType", "TIME_BOUND"),
                "durationPeriod",
            ),
        ),
    ]),
    texts: &[
        "details-fdx",
        "details-duration",
        "details-once",
        "details-until-stopped",
        "details-days",
        "details-lookback",
        "details-of-accounts",
        "details-of-customer",
        "details-of-documents",
        "details-account-basic",
        "details-account-detailed",
        "details-account-payments",
        "details-bills",
        "details-customer-contact",
        "details-customer-personal",
        "details-images",
        "details-investments",
        "details-notifications",
        "details-payment-support",
        "details-rewards",
        "details-statements",
        "details-tax",
        "details-transactions",
    ],
    lines: |details| {
        let Some(request) = request(details) else { return vec![] };
        let resources = resources(request).map(|resource| Line {
            label: match text(resource, "resourceType") {
                Some("ACCOUNT") => "details-of-accounts",
                Some("CUSTOMER") => "details-of-customer",
                Some(_) | None => "details-of-documents",
            },
            facts: list(resource, "dataClusters").filter_map(cluster).map(Fact::Word).collect(),
        });
        let mut lines: Vec<Line> = resources.collect();
        let days = |name| request.get(name).and_then(Value::as_u64);
        let duration = match (text(request, "durationType"), days("durationPeriod")) {
            (Some("ONE_TIME"), _) => Fact::Word("details-once"),
            (_, Some(days)) => Fact::Count { text: "details-days", count: days },
            (_, None) => Fact::Word("details-until-stopped"),
        };
        lines.push(Line { label: "details-duration", facts: vec![duration] });
        let lookback = days("lookbackPeriod").map(|days| Line {
            label: "details-lookback",
            facts: vec![Fact::Count { text: "details-days", count: days }],
        });
        lines.extend(lookback);
        lines
    },
    ends: |details, now| {
        let request = request(details)?;
        if text(request, "durationType") == Some("ONE_TIME") {
            return Some(now.after(ONCE_S));
        }
        let days = request.get("durationPeriod")?.as_u64()?;
        Some(now.after(days * DAY_S))
    },
    accounts: |details| {
        let mut all = request(details).into_iter().flat_map(resources);
        all.any(|resource| text(resource, "resourceType") == Some("ACCOUNT"))
    },
    account_names: None,
    pays: false,
};

static RESOURCE: Shape = Shape::Object(&[
    needed("resourceType", Shape::Word(&["ACCOUNT", "CUSTOMER", "DOCUMENT"])),
    needed("dataClusters", Shape::List(&Shape::Word(&CLUSTERS), CLUSTERS.len())),
]);

fn request(details: &Map<String, Value>) -> Option<&Map<String, Value>> {
    details.get("consentRequest")?.as_object()
}

fn resources(request: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let all = request.get("resources").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_object)
}

fn cluster(name: &str) -> Option<&'static str> {
    Some(match name {
        "ACCOUNT_BASIC" => "details-account-basic",
        "ACCOUNT_DETAILED" => "details-account-detailed",
        "ACCOUNT_PAYMENTS" => "details-account-payments",
        "BILLS" => "details-bills",
        "CUSTOMER_CONTACT" => "details-customer-contact",
        "CUSTOMER_PERSONAL" => "details-customer-personal",
        "IMAGES" => "details-images",
        "INVESTMENTS" => "details-investments",
        "NOTIFICATIONS" => "details-notifications",
        "PAYMENT_SUPPORT" => "details-payment-support",
        "REWARDS" => "details-rewards",
        "STATEMENTS" => "details-statements",
        "TAX" => "details-tax",
        "TRANSACTIONS" => "details-transactions",
        _ => return None,
    })
}

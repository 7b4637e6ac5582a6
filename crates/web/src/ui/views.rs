//! What each page shows, as plain values. Moments are seconds since the epoch. Everything is text
//! of unknown origin to the pages: they escape, isolate and shorten it.

use serde::Serialize;

/// What surrounds every page.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Shell {
    /// The bank, as its customers know it.
    pub bank_name: String,
    /// Path of the bank's logo on this server.
    pub logo_path: Option<String>,
    /// Shows the red banner, the demo customers, and what is for developers.
    pub sandbox: bool,
    /// What somebody tells the support, such as `7H2K-9QXD`.
    pub reference: String,
    /// Tag of the language, as [`super::texts::Texts::language`] says it.
    pub locale: String,
    /// The bank's help.
    pub help_url: Option<String>,
    /// The bank's statement on privacy.
    pub privacy_url: Option<String>,
    /// This page without a choice of language; `lang=<tag>` is added. Shown once there are two.
    pub language_base: Option<String>,
}

/// Where a form goes and what it carries back. The fields are named `interaction` and `csrf`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FormView {
    /// Path on this server.
    pub action: String,
    /// The authorization in progress.
    pub interaction: String,
    /// The anti-forgery token of this browser.
    pub csrf: String,
    /// Minutes for which the form works; said to the customer (WCAG 2.2.1).
    pub minutes: Option<u32>,
}

/// The app, as the bank knows it from its registration, certificate or directory.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ClientView {
    /// What customers call it.
    pub name: String,
    /// The company behind it.
    pub legal_name: Option<String>,
    /// Who authorised it, such as "ACPR (France)".
    pub regulator: Option<String>,
    /// Number of the authorisation.
    pub authorisation: Option<String>,
    /// Roles of a payment service provider, such as `PSP_AI`.
    pub roles: Vec<String>,
    /// Who issued its valid certificate.
    pub certificate_issuer: Option<String>,
    /// Its site, shown as text.
    pub website: Option<String>,
    /// When this bank first saw it.
    pub known_since_s: Option<u64>,
    /// Path of its logo on this server.
    pub logo_path: Option<String>,
    /// Its privacy policy; linked if `https`.
    pub policy_url: Option<String>,
    /// Its terms; linked if `https`.
    pub terms_url: Option<String>,
}

/// To what end the app sends somebody here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To see accounts.
    Accounts,
    /// To know the customer, without accounts.
    Details,
    /// To have a payment made.
    Payment,
}

/// The page that asks for user name and password. Answers `action` = `submit` or `cancel`, with
/// `login` and `password`.
#[derive(Clone, Debug, Serialize)]
pub struct LoginView {
    /// Where it goes.
    pub form: FormView,
    /// Who sent the customer here.
    pub client: ClientView,
    /// And to what end.
    pub purpose: Purpose,
    /// The user name that was entered before.
    pub login: String,
    /// Why the page is shown again.
    pub error: Option<LoginError>,
    /// Customers to try; shown in a sandbox only.
    pub demo: Option<DemoView>,
}

/// Why somebody is not signed in yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum LoginError {
    /// User name or password are wrong.
    Wrong {
        /// Attempts before it has to wait, where that is counted.
        attempts_left: Option<u32>,
    },
    /// Too many attempts.
    Throttled {
        /// Until the next one.
        wait_s: u64,
    },
    /// A field was left empty.
    Missing,
}

/// The customers of a sandbox.
#[derive(Clone, Debug, Serialize)]
pub struct DemoView {
    /// Who can sign in.
    pub customers: Vec<DemoCustomer>,
    /// The password of each.
    pub password: String,
}

/// A customer of a sandbox.
#[derive(Clone, Debug, Serialize)]
pub struct DemoCustomer {
    /// User name.
    pub login: String,
    /// What there is to try, such as "two accounts".
    pub about: String,
}

/// The page that asks what the app may see. Answers `action` = `allow` or `deny`, with one
/// `account` per chosen account.
#[derive(Clone, Debug, Serialize)]
pub struct ConsentView {
    /// Where it goes.
    pub form: FormView,
    /// Who asks.
    pub client: ClientView,
    /// Name of the customer.
    pub signed_in_as: String,
    /// Where "use another account" goes; it carries `interaction` and `csrf`.
    pub switch_action: Option<String>,
    /// When the access ends; `None`, and a moment beyond the year 9999, is never.
    pub ends_at_s: Option<u64>,
    /// The scopes it asked for, as the surface names them.
    pub scopes: Vec<String>,
    /// What it asked for in authorization details (RFC 9396).
    pub details: Vec<DetailView>,
    /// How many of these are payments.
    pub payments: usize,
    /// What there is to choose.
    pub accounts: AccountsView,
    /// Say that at least one account is needed.
    pub no_account_chosen: bool,
    /// Where the customer can stop it later.
    pub manage_url: Option<String>,
}

/// What there is to choose on the consent page.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AccountsView {
    /// These accounts.
    Choose {
        /// In the order in which they are shown.
        list: Vec<AccountView>,
    },
    /// The app asked for accounts and the customer has none: nothing can be allowed.
    Empty,
    /// The app did not ask for accounts.
    NotNeeded,
}

/// An account that can be chosen.
#[derive(Clone, Debug, Serialize)]
pub struct AccountView {
    /// Value of its box.
    pub id: String,
    /// What the customer calls it.
    pub name: String,
    /// The last digits of its number.
    pub last_digits: Option<String>,
    /// What is on it.
    pub balance: Option<MoneyView>,
    /// Chosen before; for a page that is shown again. An only account is chosen at first.
    pub selected: bool,
}

/// One thing that the app asked for, in lines.
#[derive(Clone, Debug, Serialize)]
pub struct DetailView {
    /// Name of a text.
    pub title: &'static str,
    /// What it says.
    pub lines: Vec<LineView>,
}

/// A line: what it is called, and one or several things.
#[derive(Clone, Debug, Serialize)]
pub struct LineView {
    /// Name of a text.
    pub label: &'static str,
    /// What it says.
    pub facts: Vec<FactView>,
}

/// One thing that is said.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FactView {
    /// A text of ours.
    Word {
        /// Its name.
        text: &'static str,
    },
    /// A text of ours about a number.
    Count {
        /// Its name.
        text: &'static str,
        /// The number.
        count: u64,
    },
    /// What the app wrote.
    Text {
        /// As it wrote it.
        text: String,
    },
    /// An amount, with exactly the decimals that the app wrote.
    Amount {
        /// Digits with a point.
        amount: String,
        /// ISO 4217.
        currency: String,
    },
    /// A day.
    Date {
        /// A moment of it.
        at_s: u64,
    },
}

/// An amount.
#[derive(Clone, Debug, Serialize)]
pub struct MoneyView {
    /// In the smallest unit of the currency.
    pub minor: i64,
    /// ISO 4217.
    pub currency: String,
}

/// The page that asks whether to sign out. Answers `action` = `confirm` or `stay`, with what the app
/// asked for.
#[derive(Clone, Debug, Serialize)]
pub struct LogoutView {
    /// Where it goes. There is no authorization in it.
    pub form: FormView,
    /// Who sent the customer here, if anybody says so.
    pub client: Option<ClientView>,
    /// Name of the customer.
    pub signed_in_as: String,
    /// What is carried back as `request`: the parameters that still count, percent-encoded, because a
    /// page leaves out characters that a `state` may have.
    pub request: String,
}

/// The page after it.
#[derive(Clone, Debug, Serialize)]
pub struct SignedOutView {
    /// The customer is signed in as before.
    pub stayed: bool,
    /// The way back, if the address is a validated one of the app.
    pub back: Option<BackLink>,
}

/// The page that says why it cannot go on.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorView {
    /// What happened.
    pub kind: ErrorKind,
    /// Say that nothing was shared. Only where it is certain.
    pub nothing_shared: bool,
    /// Until it is worth trying again.
    pub wait_s: Option<u64>,
    /// The way back, if the address is a validated one of the app.
    pub back: Option<BackLink>,
    /// What a developer needs; in a sandbox only.
    pub developer: Option<DeveloperDetail>,
}

/// What happened, as far as a customer can tell the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The redirect URI is not registered.
    AddressUnknown,
    /// The client is unknown or suspended.
    AppUnknown,
    /// The request is malformed, or not allowed.
    RequestWrong,
    /// The request or the interaction ran out of time.
    LinkExpired,
    /// The interaction is unknown in this browser, or finished.
    LinkUsed,
    /// The anti-forgery token or the cookie is missing or wrong.
    FormForeign,
    /// A request to sign out that is not believed.
    NotSignedOut,
    /// Too many attempts to sign in.
    SignInLocked,
    /// The customer is suspended.
    AccessClosed,
    /// The caller is limited.
    TooManyRequests,
    /// The store did not answer, or its answer is unknown: say `nothing_shared` only if it is so.
    Unavailable,
    /// No such page, or not by this method.
    PageUnknown,
    /// A bug.
    Internal,
}

impl ErrorKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::AddressUnknown,
        Self::AppUnknown,
        Self::RequestWrong,
        Self::LinkExpired,
        Self::LinkUsed,
        Self::FormForeign,
        Self::NotSignedOut,
        Self::SignInLocked,
        Self::AccessClosed,
        Self::TooManyRequests,
        Self::Unavailable,
        Self::PageUnknown,
        Self::Internal,
    ];
}

/// A way back to the app.
#[derive(Clone, Debug, Serialize)]
pub struct BackLink {
    /// A validated redirect URI, with its parameters.
    pub url: String,
    /// The app.
    pub client: ClientView,
}

/// What was wrong, exactly.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DeveloperDetail {
    /// The registered error, such as `invalid_request`.
    pub error: String,
    /// Our code, such as `E1042`.
    pub code: String,
    /// Our name of it, such as `redirect_uri_mismatch`.
    pub name: String,
    /// What was sent.
    pub sent: Option<String>,
    /// What would have been right.
    pub registered: Vec<String>,
    /// Where the two differ.
    pub difference: Option<String>,
    /// A command that mends it.
    pub fix: Option<String>,
}

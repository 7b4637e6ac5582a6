//! Every bound of the system, with its reason. What is not bounded here is not keyed by input.

/// Records of one keyed read. The largest reader is the consent page: interaction, subject, client.
pub const READ_KEYS_MAX: usize = 4;
/// Records of one batch: a suspended customer with a full list of grants, and some room.
pub const BATCH_RECORDS_MAX: usize = 300;
/// How often a decision is taken anew because somebody moved first. Each time at least one other
/// request got through, so 8 rivals on one grant are served.
pub const ATTEMPTS_MAX: u32 = 8;
/// Living views of one grant: different narrower scopes at the same time.
pub const VIEWS_MAX: usize = 64;
/// Individually revoked access tokens of one generation; one more ends the generation.
pub const REVOKED_MAX: usize = 64;
/// Grants under one consent; the seventeenth ends the oldest.
pub const GRANTS_PER_CONSENT_MAX: usize = 16;
/// Grants of one customer; one more ends the oldest. Bounds the batch that suspends the customer.
pub const GRANTS_PER_SUBJECT_MAX: usize = 256;
/// Consents of one customer towards one client, as the customer id of Fintecture gathers them.
pub const CONSENTS_PER_CUSTOMER_MAX: usize = 16;
/// Redirect URIs of one client.
pub const REDIRECT_URIS_MAX: usize = 32;
/// Secrets, certificates and keys of one client: the old and the new while they overlap, and some.
pub const CREDENTIALS_PER_CLIENT_MAX: usize = 8;
/// Accounts of one customer that the consent page can show.
pub const ACCOUNTS_MAX: usize = 100;
/// What is extended by use is extended in steps of a sixteenth, so that use seldom writes.
pub const STEPS: u64 = 16;
/// An authorization in progress. Long enough to find a card reader.
pub const INTERACTION_TTL_S: u64 = 3_600;
/// A connect session of the Fintecture surface, before the customer's browser arrives.
pub const CONNECT_TTL_S: u64 = 1_800;
/// A decoupled authorization of the Fintecture surface.
pub const DECOUPLED_TTL_S: u64 = 600;
/// A login in the browser.
pub const SESSION_TTL_S: u64 = 1_800;
/// Attempts to sign in within one authorization.
pub const LOGIN_ATTEMPTS_MAX: u8 = 5;
/// Failed attempts per login name within [`LOGIN_WINDOW_S`], whatever the browser.
pub const LOGIN_FAILURES_MAX: u32 = 20;
/// The window of [`LOGIN_FAILURES_MAX`].
pub const LOGIN_WINDOW_S: u64 = 900;
/// Login names that are remembered for throttling; on overflow the table starts anew.
pub const LOGIN_NAMES_MAX: usize = 10_000;
/// Longest password that is hashed; argon2id is paid by us.
pub const PASSWORD_LEN_MAX: usize = 1_024;
/// Longest `state` or `nonce`: M4 of the MX test list sends 2 KiB.
pub const STATE_LEN_MAX: usize = 4_096;
/// Longest scope parameter that is looked at.
pub const SCOPE_TEXT_LEN_MAX: usize = 4_096;
/// Longest client assertion: an RS512 signature, many claims, and room.
pub const ASSERTION_LEN_MAX: usize = 8_192;
/// Longest key set that a client may publish.
pub const KEY_SET_LEN_MAX: usize = 64 * 1024;
/// Keys of such a set that count: more would be tried one after the other.
pub const KEYS_FETCHED_MAX: usize = 16;
/// How often the key set of one client is fetched at most, whatever is sent in its name.
pub const KEYS_FETCH_EVERY_S: u64 = 60;
/// Clients kept parsed in memory; on overflow the cache starts anew.
pub const CLIENTS_CACHED_MAX: usize = 100_000;
/// Tenants kept parsed in memory.
pub const TENANTS_CACHED_MAX: usize = 10_000;
/// Access events that wait for the next append; the oldest are dropped and counted when it is full.
pub const ACCESS_EVENTS_MAX: usize = 65_536;
/// How long an ended grant is kept: long enough to recognise a late replay.
pub const GRANT_GRACE_S: u64 = 30 * 86_400;
/// How long an ended consent is kept: the customer may ask (profiles.md section 6).
pub const CONSENT_GRACE_S: u64 = 730 * 86_400;
/// How long a replay id outlives its assertion: our clock and the neighbour's.
pub const REPLAY_GRACE_S: u64 = 120;
/// Published signing keys of one tenant: four algorithms, each with its successor and the ones that
/// still retire. Bounds what a verifier fetches.
pub const SIGNING_KEYS_MAX: usize = 32;
/// Entries of one list of client metadata: contacts, requested classes of authentication.
pub const METADATA_LIST_MAX: usize = 32;
/// Longest text of client metadata that is no address: a distinguished name, a name in any script.
pub const METADATA_TEXT_LEN_MAX: usize = 1_024;
/// Clients that a tenant with open registration takes within [`REGISTRATION_WINDOW_S`]: a test run
/// registers two per module, a flood more.
pub const REGISTRATIONS_MAX: u32 = 2_000;
/// The window of [`REGISTRATIONS_MAX`].
pub const REGISTRATION_WINDOW_S: u64 = 3_600;
/// Longest `claims` parameter: every standard claim, each with a wish, and room.
pub const CLAIMS_TEXT_LEN_MAX: usize = 8_192;
/// Claims of one request for one place: the standard has 21.
pub const CLAIMS_REQUESTED_MAX: usize = 64;
/// Wished strengths of one login that are kept.
pub const ACR_VALUES_MAX: usize = 16;
/// Longest hint that is kept: a login name, or a list of languages.
pub const HINT_LEN_MAX: usize = 512;
/// Longest `authorization_details`: eight payments with their names and references, and room.
pub const DETAILS_TEXT_LEN_MAX: usize = 8_192;
/// Objects of one `authorization_details`: what a customer can still read.
pub const DETAILS_MAX: usize = 8;
/// Resource servers of one request.
pub const RESOURCES_MAX: usize = 8;
/// Resource servers that a tenant names.
pub const RESOURCES_KNOWN_MAX: usize = 64;
/// Longest name of a resource server.
pub const RESOURCE_LEN_MAX: usize = 512;
/// Life of a `request_uri`: more than 60 s (Brazil), less than 600 s (FAPI 2.0), at most 90 s (CDR).
pub const PUSHED_TTL_S: u64 = 90;
/// Life of a signed authorization response: a redirect, and two clocks that differ.
pub const JARM_TTL_S: u64 = 300;
/// Clients that are told of the end of one login.
pub const CLIENTS_PER_SESSION_MAX: usize = 32;
/// Life of a logout token: two minutes at most, says Back-Channel Logout §4.
pub const LOGOUT_TOKEN_TTL_S: u64 = 120;
/// The pauses between attempts to tell a client that a login has ended: it restarts, it is repaired,
/// it is down for a night.
pub const DELIVERY_PAUSES_S: [u64; 7] = [5, 30, 120, 600, 1_800, 7_200, 21_600];
/// When a client is not told any more that a login has ended: all pauses, and a long stop of ours.
pub const DELIVERY_TTL_S: u64 = 2 * 86_400;
/// Longest answer to a logout token. It says nothing; a page in it is no reason to send it again.
pub const DELIVERY_ANSWER_LEN_MAX: usize = 64 * 1024;
/// Records of the outbox that one look reads: what others wait for.
pub const OUTBOX_LOOK_MAX: usize = 256;

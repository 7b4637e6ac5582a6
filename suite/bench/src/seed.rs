//! Many grants quickly: through the store's own interface for the server, as rows for the floor; and
//! the handles that hang from them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use counterfoil_engine::ctx::{Clock as _, Ctx, Entropy as _};
use counterfoil_engine::grant::{
    Bound, CodeState, ConsentCopy, Grant, LoginFacts, NewGrant, SubjectRef,
};
use counterfoil_engine::handle::{self as ours, Generation, Minted, Serial, ViewId};
use counterfoil_engine::keys::Issuer;
use counterfoil_engine::policy::Policy;
use counterfoil_engine::store::{Batch, Change, Expected, Key, Record, Store};
use counterfoil_jose::provider::{MacKey, sha256};
use counterfoil_protocol::ids::{AccountId, ClientId, ConsentId, GrantId, SubjectId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::redirect_uri::RedirectUri;
use counterfoil_protocol::scope::ScopeSet;
use counterfoil_protocol::secret::Digest;
use counterfoil_server::system::{SystemClock, SystemDice, micros};
use counterfoil_server::{boot, keyfile};
use rusqlite::params;

use crate::floor;
use crate::ground::{CALLBACK, Ground, ISSUER, Who};
use crate::handle::{self, Facts, Kind};
use crate::row::{self, Row};

/// The verifier of every seeded code (RFC 7636 §4.1).
pub(crate) const VERIFIER: &str = "verifier-of-the-benchmark-0123456789-0123456789";
/// Grants of one batch: below the engine's bound.
const BATCH: usize = 250;
/// Batches on their way at the same time.
const AHEAD: usize = 8;
/// The past over which grants are spread: their ids are ordered by it.
const PAST_S: u64 = 30 * 86_400;
/// Living grants of which the driver knows the tokens; it asks about them in random order.
const KNOWN_MAX: usize = 200_000;

/// How much to seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amounts {
    /// Living grants that are asked about.
    pub(crate) grants: usize,
    /// Codes that can be redeemed, one grant each.
    pub(crate) codes: usize,
    /// Tokens that can be given back, of the living grants.
    pub(crate) revocable: usize,
    /// Refresh chains of each kind.
    pub(crate) chains: usize,
    /// Codes of FAPI clients.
    pub(crate) fapi_codes: usize,
}

/// A credential and the number of its client.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) text: String,
    pub(crate) client: usize,
}

/// A refresh token that moves on from answer to answer, also from one measurement to the next.
pub(crate) type Chain = Rc<RefCell<Held>>;

/// A credential that is used once.
pub(crate) type Pool = Rc<RefCell<VecDeque<Held>>>;

/// What one server handed out.
#[derive(Default)]
pub(crate) struct Handles {
    pub(crate) codes: Pool,
    pub(crate) revocable: Pool,
    /// Access tokens of living grants.
    pub(crate) living: Rc<Vec<Held>>,
    /// Access tokens with a good seal whose grant is gone.
    pub(crate) gone: Rc<Vec<Held>>,
    /// Refresh tokens that rotate, without an ID token.
    pub(crate) rotating: Vec<Chain>,
    /// The same with one.
    pub(crate) rotating_openid: Vec<Chain>,
    /// Refresh tokens that stay.
    pub(crate) staying: Vec<Chain>,
    pub(crate) fapi_codes: Pool,
    /// Refresh tokens of FAPI clients; they stay.
    pub(crate) fapi_staying: Vec<Held>,
}

/// The handles of both servers, and what a grant takes on disk.
pub(crate) struct Seeded {
    pub(crate) ours: Handles,
    pub(crate) floor: Handles,
    pub(crate) bytes_per_grant: f64,
    /// Living grants of which the driver knows the tokens.
    pub(crate) keys: Vec<Key>,
}

/// What a seeded grant is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Living,
    Code,
    Rotating,
    RotatingOpenid,
    Staying,
    FapiCode,
    FapiStaying,
}

impl Use {
    const fn who(self) -> Who {
        match self {
            Self::Staying => Who::Fin,
            Self::FapiCode | Self::FapiStaying => Who::Fapi,
            Self::Living | Self::Code | Self::Rotating | Self::RotatingOpenid => Who::Mx,
        }
    }

    const fn surface(self) -> &'static str {
        match self {
            Self::Staying => "fintecture",
            Self::FapiCode | Self::FapiStaying => "fapi2",
            Self::Living | Self::Code | Self::Rotating | Self::RotatingOpenid => "mx",
        }
    }

    const fn scope(self) -> &'static str {
        match self {
            Self::Staying => "ais",
            Self::FapiCode => "accounts openid",
            Self::FapiStaying => "accounts",
            Self::Rotating => "accounts transactions",
            Self::Living | Self::Code | Self::RotatingOpenid => "accounts openid transactions",
        }
    }
}

struct Seeder<'g> {
    issuer: Issuer,
    fapi: Issuer,
    floor_key: MacKey,
    now: Moment,
    amounts: Amounts,
    ground: &'g Ground,
}

/// Fills both stores. No server may be running.
pub(crate) fn seed(ground: &Ground, amounts: Amounts) -> Result<Seeded, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().map_err(|e| e.to_string())?;
    let opened = boot::open_store(&ground.url).map_err(|e| e.to_string())?;
    let file =
        keyfile::load_or_make(&ground.keyfile(), &mut SystemDice).map_err(|e| e.to_string())?;
    let store = opened.store();
    let before = size(ground);
    let seeded = runtime.block_on(async {
        let issuer = |name: &'static str| {
            let (store, file) = (&store, &file);
            async move {
                let tenant = TenantId::parse(name).map_err(|e| e.to_string())?;
                let found = store.read(&[Key::Tenant(tenant)]).await;
                let found = found.map_err(|e| format!("{e:?}"))?.pop().flatten();
                let Some(Record::Tenant(record)) = found.map(|v| v.record) else {
                    return Err("the server has made no tenant".to_owned());
                };
                Ok(Issuer::new(*record, ISSUER, vec![], file))
            }
        };
        let (issuer, fapi) = (issuer("default").await?, issuer("fapi").await?);
        let floor_key = MacKey::new(&ground.floor_key);
        let now = SystemClock.now();
        Seeder { issuer, fapi, floor_key, now, amounts, ground }.fill(&store).await
    });
    opened.close();
    let (mut seeded, count) = seeded?;
    seeded.bytes_per_grant = (size(ground).saturating_sub(before)) as f64 / count.max(1) as f64;
    Ok(seeded)
}

fn size(ground: &Ground) -> u64 {
    std::fs::metadata(ground.store()).map_or(0, |meta| meta.len())
}

impl Seeder<'_> {
    async fn fill(&self, store: &Arc<dyn Store>) -> Result<(Seeded, usize), String> {
        let uses = [
            (Use::Living, self.amounts.grants),
            (Use::Code, self.amounts.codes),
            (Use::Rotating, self.amounts.chains),
            (Use::RotatingOpenid, self.amounts.chains),
            (Use::Staying, self.amounts.chains),
            (Use::FapiCode, self.amounts.fapi_codes),
            (Use::FapiStaying, self.amounts.chains),
        ];
        let (mut ours, mut theirs) = (Handles::default(), Handles::default());
        let mut floor_rows = floor::Rows::begin(self.ground)?;
        let total: usize = uses.iter().map(|(_, count)| count).sum();
        let mut made = 0;
        let mut keys = vec![];
        let mut sent = tokio::task::JoinSet::new();
        let mut batch: Vec<Change> = Vec::with_capacity(BATCH);
        for (purpose, count) in uses {
            let policy = policy(purpose.surface())?;
            let step = (count / KNOWN_MAX).max(1);
            for n in 0..count {
                let at = Moment(self.now.0 - PAST_S + PAST_S * made as u64 / total as u64);
                let grant = self.grant(purpose, n, at, policy)?;
                let known = n.is_multiple_of(step);
                self.hand_out((purpose, n), &grant, known, (&mut ours, &mut theirs));
                floor_rows.add(&grant.id.0, &self.row(purpose, n))?;
                let key = Key::Grant(self.issuer(purpose).tenant.id.clone(), grant.id);
                if known && purpose == Use::Living {
                    keys.push(key.clone());
                }
                let next = Some(Record::Grant(Arc::new(grant)));
                batch.push(Change { key, expected: Expected::Absent, next });
                made += 1;
                if batch.len() == BATCH || made == total {
                    let changes = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                    let store = store.clone();
                    sent.spawn(
                        async move { store.commit(Batch { changes, ..Batch::default() }).await },
                    );
                    while sent.len() > AHEAD {
                        arrived(sent.join_next().await)?;
                    }
                    // Whoever was sent must run: this thread has no other.
                    tokio::task::yield_now().await;
                }
                if made.is_multiple_of(100_000) {
                    eprintln!("  {made} of {total} grants");
                }
            }
        }
        while let Some(done) = sent.join_next().await {
            arrived(Some(done))?;
        }
        floor_rows.end()?;
        Ok((Seeded { ours, floor: theirs, bytes_per_grant: 0.0, keys }, total))
    }

    fn issuer(&self, purpose: Use) -> &Issuer {
        if purpose.who() == Who::Fapi { &self.fapi } else { &self.issuer }
    }

    fn grant(
        &self,
        purpose: Use,
        n: usize,
        at: Moment,
        policy: &'static Policy,
    ) -> Result<Grant, String> {
        let bad = |e: counterfoil_protocol::ids::Malformed| e.to_string();
        let client = ClientId::parse(&purpose.who().id(n)).map_err(bad)?;
        let subject = SubjectId::parse(&format!("customer-{n:08}")).map_err(bad)?;
        let issuer = self.issuer(purpose);
        let sub = issuer.pairwise(&client, &subject);
        let accounts =
            ["current", "savings"].iter().map(|name| AccountId::parse(&format!("{name}-{n:08}")));
        let scope = ScopeSet::parse(purpose.scope()).map_err(|_| "no scope")?;
        let mut dice = SystemDice;
        let mut ctx = Ctx { now: at, entropy: &mut dice, policy, issuer };
        let new = NewGrant {
            id: GrantId::mint(at, ctx.entropy.bytes32()),
            client,
            subject: Some(SubjectRef { id: subject, sub }),
            consent: Some(ConsentCopy {
                id: ConsentId::mint(at, ctx.entropy.bytes32()),
                version: 1,
                accounts: accounts.collect::<Result<_, _>>().map_err(bad)?,
            }),
            scope,
            spelled: purpose.scope().into(),
            ends: self.now.after(policy.grant_ttl_s),
        };
        let mut grant = Grant::new(new, &mut ctx);
        grant.login = Some(LoginFacts { auth_time: at, nonce: Some("0123456789abcdef".into()) });
        let uri = RedirectUri::parse(CALLBACK).map_err(|_| "no redirect URI")?;
        let challenge = Some(Digest::known(sha256(VERIFIER.as_bytes())));
        let bound = Bound { redirect_uri: uri, challenge };
        let active = issuer.ring.active();
        if matches!(purpose, Use::Code | Use::FapiCode) {
            // Longer than any code lives, so that a run may take its time.
            grant.code = CodeState::Issued { expires: self.now.after(86_400), key: active, bound };
        } else {
            grant.code = CodeState::Redeemed { at, bound };
            ctx.now = self.now;
            grant.advance_refresh(&ctx, 0);
        }
        Ok(grant)
    }

    fn row(&self, purpose: Use, n: usize) -> Row {
        Row {
            generation: 1,
            used: false,
            openid: matches!(purpose, Use::RotatingOpenid | Use::FapiCode),
            salt: salt(n),
            challenge: sha256(VERIFIER.as_bytes()),
            client: u16::try_from(n % purpose.who().count()).unwrap_or_default(),
        }
    }

    fn hand_out(
        &self,
        (purpose, n): (Use, usize),
        grant: &Grant,
        known: bool,
        (ours, theirs): (&mut Handles, &mut Handles),
    ) {
        let client = n % purpose.who().count();
        let held = |text: String| Held { text, client };
        let ring = &self.issuer(purpose).ring;
        let day = self.now.after(86_400);
        let access = |serial: u64| {
            let facts = ours::Facts {
                key: ring.active(),
                record: grant.id.0,
                generation: Generation::FIRST,
                view: ViewId::WHOLE,
                serial: Serial(serial),
                expires: day,
                binding: None,
            };
            Minted::<ours::Access>::mint(facts, &grant.salt, ring)
                .map(|minted| minted.to_wire().to_owned())
        };
        let floor_handle = |kind, serial| {
            let (record, expires) = (grant.id.0, day.0);
            let facts = Facts { record, generation: 1, serial, expires };
            handle::mint(kind, &facts, &salt(n), &self.floor_key)
        };
        match purpose {
            Use::Living => {
                if known {
                    if let (Some(a), Some(living)) = (access(2), Rc::get_mut(&mut ours.living)) {
                        living.push(held(a));
                    }
                    if let Some(living) = Rc::get_mut(&mut theirs.living) {
                        living.push(held(floor_handle(Kind::Access, 2)));
                    }
                }
                if n < self.amounts.revocable {
                    let minted = access(1).map(held);
                    ours.revocable.borrow_mut().extend(minted);
                    let one = held(floor_handle(Kind::Access, 1));
                    theirs.revocable.borrow_mut().push_back(one);
                }
                if n < 4096 {
                    self.hand_out_gone(client, (ours, theirs));
                }
            }
            Use::Code | Use::FapiCode => {
                let code = grant.code_handle(ring).map(|code| held(code.to_wire().to_owned()));
                let fapi = purpose == Use::FapiCode;
                let pool =
                    |of: &Handles| if fapi { of.fapi_codes.clone() } else { of.codes.clone() };
                pool(ours).borrow_mut().extend(code);
                pool(theirs).borrow_mut().push_back(held(floor_handle(Kind::Code, 0)));
            }
            Use::FapiStaying => {
                let token = grant.refresh_handle(ring).map(|t| held(t.to_wire().to_owned()));
                ours.fapi_staying.extend(token);
                theirs.fapi_staying.push(held(floor_handle(Kind::Refresh, 0)));
            }
            Use::Rotating | Use::RotatingOpenid | Use::Staying => {
                let token = grant.refresh_handle(ring).map(|t| held(t.to_wire().to_owned()));
                let (mine, other) = match purpose {
                    Use::Rotating => (&mut ours.rotating, &mut theirs.rotating),
                    Use::RotatingOpenid => (&mut ours.rotating_openid, &mut theirs.rotating_openid),
                    Use::Staying | Use::Living | Use::Code | Use::FapiCode | Use::FapiStaying => {
                        (&mut ours.staying, &mut theirs.staying)
                    }
                };
                mine.extend(token.map(|token| Rc::new(RefCell::new(token))));
                other.push(Rc::new(RefCell::new(held(floor_handle(Kind::Refresh, 0)))));
            }
        }
    }

    /// Sealed by us, for a grant that nobody has.
    fn hand_out_gone(&self, client: usize, (ours, theirs): (&mut Handles, &mut Handles)) {
        let ring = &self.issuer.ring;
        let expires = self.now.after(86_400);
        let record = GrantId::mint(self.now, SystemDice.bytes32()).0;
        let facts = ours::Facts {
            key: ring.active(),
            record,
            generation: Generation::FIRST,
            view: ViewId::WHOLE,
            serial: Serial(3),
            expires,
            binding: None,
        };
        let salt_of_nobody = ours::Salt::mint(&mut SystemDice);
        let minted = Minted::<ours::Access>::mint(facts, &salt_of_nobody, ring);
        if let (Some(minted), Some(gone)) = (minted, Rc::get_mut(&mut ours.gone)) {
            gone.push(Held { text: minted.to_wire().to_owned(), client });
        }
        let facts = Facts { record, generation: 1, serial: 3, expires: expires.0 };
        let text = handle::mint(Kind::Access, &facts, &salt(client), &self.floor_key);
        if let Some(gone) = Rc::get_mut(&mut theirs.gone) {
            gone.push(Held { text, client });
        }
    }
}

fn salt(n: usize) -> [u8; 16] {
    let mut salt = [7; 16];
    salt[..8].copy_from_slice(&(n as u64).to_be_bytes());
    salt
}

fn policy(surface: &str) -> Result<&'static Policy, String> {
    let found = counterfoil_web::surfaces::named(surface).ok_or("no such surface")?;
    Ok(found.policy(&counterfoil_engine::tenant::Switches::default()))
}

type Done = Result<Result<(), counterfoil_engine::store::CommitError>, tokio::task::JoinError>;

fn arrived(done: Option<Done>) -> Result<(), String> {
    match done {
        None | Some(Ok(Ok(()))) => Ok(()),
        Some(Ok(Err(why))) => Err(format!("the store did not take a batch: {why:?}")),
        Some(Err(why)) => Err(why.to_string()),
    }
}

/// The floor's rows, in one transaction.
impl floor::Rows {
    /// One more row.
    fn add(&mut self, record: &[u8; 16], grant: &Row) -> Result<(), String> {
        let insert = "insert into grants (key, revision, bucket, body) values (?1, 1, ?2, ?3)";
        let hour = i64::try_from(micros() / 3_600_000_000).unwrap_or_default() + 24 * 395;
        let done = self
            .connection()
            .prepare_cached(insert)
            .and_then(|mut s| s.execute(params![row::key(record), hour, grant.encode()]));
        done.map(|_| ()).map_err(|e| e.to_string())
    }
}

//! What the client sees when something behind the answer breaks: the store, a key, our own code.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use counterfoil_engine::handle::{
    Facts, Generation, Minted, Refresh, Salt, Sealed, Serial, ViewId,
};
use counterfoil_engine::store::{
    Batch, BoxFuture, Change, CommitError, Expected, FeedEvent, Key, Listed, Page, Position, Query,
    Record, Store, Swept, Unavailable, Versioned,
};
use counterfoil_protocol::ids::{GrantId, TenantId};
use counterfoil_protocol::moment::Moment;
use counterfoil_protocol::refusal::Refusal;
use http_body_util::BodyExt as _;

use crate::browser::{Browser, FIN, MX, Tokens};
use crate::pattern::fits;
use crate::wire::{Answer, Ask};
use crate::world::World;

/// What the store does instead of its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Reads and commits panic.
    Panic,
    /// Reads fail.
    Reads,
    /// Commits are not acknowledged, and not made.
    Commits,
    /// Commits are made and not acknowledged.
    Answers,
    /// Somebody always moves first.
    Rivals,
}

impl Fault {
    const ALL: [Self; 6] =
        [Self::None, Self::Panic, Self::Reads, Self::Commits, Self::Answers, Self::Rivals];
}

struct Faulty {
    inner: Arc<dyn Store>,
    fault: Arc<AtomicU8>,
}

impl Faulty {
    fn now(&self) -> Fault {
        Fault::ALL[usize::from(self.fault.load(Ordering::SeqCst))]
    }
}

impl Store for Faulty {
    fn read<'a>(
        &'a self,
        keys: &'a [Key],
    ) -> BoxFuture<'a, Result<Vec<Option<Versioned>>, Unavailable>> {
        match self.now() {
            Fault::Panic => panic!("a bug in the store, on purpose"),
            Fault::Reads => Box::pin(async { Err(Unavailable) }),
            Fault::None | Fault::Commits | Fault::Answers | Fault::Rivals => self.inner.read(keys),
        }
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), CommitError>> {
        match self.now() {
            Fault::Panic => panic!("a bug in the store, on purpose"),
            Fault::Reads | Fault::None => self.inner.commit(batch),
            Fault::Commits => Box::pin(async { Err(CommitError::Unavailable) }),
            Fault::Answers => Box::pin(async move {
                let _ = self.inner.commit(batch).await;
                Err(CommitError::Unavailable)
            }),
            Fault::Rivals => Box::pin(async move {
                let key = batch.changes.first().map(|change| change.key.clone());
                key.map_or(Ok(()), |key| Err(CommitError::Conflict(key)))
            }),
        }
    }

    fn list(&self, query: Query, page: Page) -> BoxFuture<'_, Result<Listed, Unavailable>> {
        self.inner.list(query, page)
    }

    fn feed(
        &self,
        after: Position,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<FeedEvent>, Unavailable>> {
        self.inner.feed(after, max)
    }

    fn sweep(&self, now: Moment, max: usize) -> BoxFuture<'_, Result<Swept, Unavailable>> {
        self.inner.sweep(now, max)
    }
}

/// A world and the switch of its faults.
fn faulty() -> (World, impl Fn(Fault)) {
    let fault = Arc::new(AtomicU8::new(0));
    let switch = fault.clone();
    let world = World::over(|inner| Arc::new(Faulty { inner, fault }));
    let set = move |to: Fault| {
        let at = Fault::ALL.iter().position(|known| *known == to).unwrap();
        switch.store(u8::try_from(at).unwrap(), Ordering::SeqCst);
    };
    (world, set)
}

#[test]
fn a_panic_answers_500_and_the_next_request_works() {
    let (world, set) = faulty();
    let tokens = MX.mx_tokens(&world);
    let page = MX.mx_authorize("openid accounts", &[]);
    let asks = || {
        [
            MX.mx_refresh(&tokens.refresh),
            MX.ask("/oauth2/v4/revoke", &[("token", &tokens.refresh)]),
            Ask::form("/introspect", &[("token", &*tokens.access)])
                .basic("resource", "resourcesecret"),
            Ask::get("/userinfo").bearer(&tokens.access),
            FIN.fin_own("OAC"),
            Ask::get(&page),
        ]
    };
    let plain =
        r#"{"error":"server_error","error_description":"something went wrong on our side"}"#;
    let merged = r#"{"error":"server_error","error_description":"Internal error.","status":500,"code":"internal_server_error","log_id":"{request_id}","errors":[{"code":"internal_server_error","title":"Internal Server Error","message":"Internal error."}]}"#;
    for n in 0..asks().len() {
        set(Fault::Panic);
        let ask = asks()[n].clone();
        // Each surface says it in its own words (surfaces.md 2.6).
        let wanted = if ask.target.starts_with("/oauth/") { merged } else { plain };
        let answer = world.refused(ask, 500, "E5006");
        let id = answer.header("x-request-id").unwrap();
        assert!(fits(wanted, answer.text(), id), "{}", answer.text());
        set(Fault::None);
        world.send(MX.mx_refresh(&tokens.refresh)).expect(200);
    }
}

#[test]
fn m015_a_revocation_that_the_store_did_not_take_is_503_and_never_200() {
    let (world, set) = faulty();
    for fault in [Fault::Commits, Fault::Answers, Fault::Reads] {
        let tokens = MX.mx_tokens(&world);
        let revoke = || MX.ask("/oauth2/v4/revoke", &[("token", &tokens.refresh)]);
        set(fault);
        let answer = world.refused(revoke(), 503, "E5003");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(answer.member("error"), "temporarily_unavailable");
        set(Fault::None);
        // The truth, whatever it is; and asked again, it is dead.
        assert_eq!(world.is_active(&tokens.access), fault != Fault::Answers);
        assert_eq!(world.send(revoke()).expect(200).text(), "");
        assert!(!world.is_active(&tokens.access));
    }
}

#[test]
fn a_refresh_whose_answer_was_lost_can_be_asked_again() {
    let (world, set) = faulty();
    for fault in [Fault::Commits, Fault::Answers, Fault::Reads] {
        let tokens = MX.mx_tokens(&world);
        set(fault);
        world.refused(MX.mx_refresh(&tokens.refresh), 503, "E5003");
        set(Fault::None);
        let next = Tokens::of(&world.send(MX.mx_refresh(&tokens.refresh)).expect(200));
        let same = Tokens::of(&world.send(MX.mx_refresh(&tokens.refresh)).expect(200));
        assert_eq!(next.refresh, same.refresh);
    }
}

#[test]
fn an_answer_of_the_customer_that_was_lost_can_be_given_again() {
    let (world, set) = faulty();
    let mut browser = Browser::new(&world);
    let login = browser.open(&MX.mx_authorize("openid accounts", &[]));
    let consent = browser.sign_in(&login, "ada").expect(200);
    set(Fault::Answers);
    browser.allow(&consent).expect(503);
    set(Fault::None);
    let code = browser.allow(&consent).expect(303).parameter("code").unwrap();
    world.send(MX.mx_redeem(&code)).expect(200);
}

#[test]
fn fintecture_says_so_in_its_own_words() {
    let (world, set) = faulty();
    world.send(FIN.fin_own("OAC")).expect(200);
    set(Fault::Commits);
    let answer = world.refused(FIN.fin_own("OAC"), 503, "E5003");
    let id = answer.header("x-request-id").unwrap();
    assert!(fits(UNAVAILABLE, answer.text(), id), "{}", answer.text());
}

const UNAVAILABLE: &str = r#"{"error":"temporarily_unavailable","error_description":"Service unavailable.","status":503,"code":"service_unavailable","log_id":"{request_id}","errors":[{"code":"service_unavailable","title":"Service Unavailable","message":"Service unavailable."}]}"#;

#[test]
fn what_never_reaches_a_handler_is_refused_in_the_words_of_the_surface() {
    let world = World::new();
    let too_large = r#"{"error":"invalid_request","error_description":"Invalid parameters or malformed syntax.","status":413,"code":"bad_request","log_id":"{request_id}","errors":[{"code":"bad_request","title":"Bad Request","message":"Invalid parameters or malformed syntax."}]}"#;
    let plain = r#"{"error":"temporarily_unavailable","error_description":"try again later"}"#;
    // Of a tenant that nobody has asked for yet there is nothing at hand, and nothing is read.
    for (target, why, wanted) in [
        ("/oauth/accesstoken", Refusal::Overloaded, plain),
        ("/o/fintecture/oauth/accesstoken", Refusal::Overloaded, plain),
    ] {
        refused_early(&world, target, why, wanted);
    }
    for tenant in ["default", "fintecture", "plain", "sandbox"] {
        world.issuer(tenant);
    }
    for (target, why, wanted) in [
        ("/oauth/accesstoken", Refusal::Overloaded, UNAVAILABLE),
        ("/oauth/accesstoken", Refusal::BodyTooLarge, too_large),
        ("/o/fintecture/oauth/refreshtoken", Refusal::Overloaded, UNAVAILABLE),
        ("/o/plain/oauth/accesstoken", Refusal::Overloaded, plain),
        ("/oauth2/v4/token", Refusal::Overloaded, plain),
        ("/auth/realms/sandbox/protocol/openid-connect/token", Refusal::Overloaded, plain),
        ("/nothing", Refusal::Overloaded, plain),
        ("/oauth/accesstoken/", Refusal::Overloaded, plain),
        ("/o/nowhere/oauth/accesstoken", Refusal::Overloaded, plain),
    ] {
        refused_early(&world, target, why, wanted);
    }
}

fn refused_early(world: &World, target: &str, why: Refusal, wanted: &str) {
    let (parts, _) = Ask::post(target, "").basic(FIN.id, FIN.secret).into_parts();
    let (head, body) = world.app.refuse(why, &parts).into_parts();
    let body = world.wait(body.collect()).unwrap().to_bytes();
    let answer = Answer { status: head.status.as_u16(), headers: head.headers, body };
    crate::pattern::holds_for_all(&answer, target);
    assert_eq!(answer.status, why.status(true), "{target}");
    let id = answer.header("x-request-id").unwrap();
    assert!(fits(wanted, answer.text(), id), "{target}: {}", answer.text());
}

/// Provokes E5004.
pub(crate) fn rivals_that_always_move_first(told: &mut Vec<String>) {
    let (world, set) = faulty();
    let tokens = MX.mx_tokens(&world);
    set(Fault::Rivals);
    let answer = world.refused(MX.mx_refresh(&tokens.refresh), 503, "E5004");
    assert_eq!(answer.member("error"), "temporarily_unavailable");
    set(Fault::None);
    world.send(MX.mx_refresh(&tokens.refresh)).expect(200);
    told.push("E5004".into());
}

/// Provokes E5003 and E5006.
pub(crate) fn a_store_that_breaks(told: &mut Vec<String>) {
    let (world, set) = faulty();
    let tokens = MX.mx_tokens(&world);
    for (fault, status, code) in [(Fault::Commits, 503, "E5003"), (Fault::Panic, 500, "E5006")] {
        set(fault);
        world.refused(MX.mx_refresh(&tokens.refresh), status, code);
        told.push(code.into());
    }
}

/// Provokes E2013: somebody holds a handle key, and not the salt of the grant.
pub(crate) fn a_handle_sealed_with_a_leaked_key(told: &mut Vec<String>) {
    let world = World::new();
    let tokens = MX.mx_tokens(&world);
    let issuer = world.issuer("default");
    let sealed: Sealed<Refresh> = Sealed::open(&tokens.refresh, &issuer.ring).unwrap();
    let facts = Facts {
        key: issuer.ring.active(),
        record: sealed.record(),
        generation: Generation::FIRST,
        view: ViewId::WHOLE,
        serial: Serial::NONE,
        expires: sealed.expires(),
        binding: None,
    };
    let salt = Salt::mint(&mut world.dice.clone());
    let forged: Minted<Refresh> = Minted::mint(facts, &salt, &issuer.ring).unwrap();
    let answer = world.refused(MX.mx_refresh(forged.to_wire()), 400, "E2013");
    assert_eq!(answer.member("error"), "invalid_grant");
    world.send(MX.mx_refresh(&tokens.refresh)).expect(200);
    told.push("E2013".into());
}

/// Provokes E2014: the store is older than what it handed out.
pub(crate) fn a_store_that_was_set_back(told: &mut Vec<String>) {
    let world = World::new();
    let first = MX.mx_tokens(&world);
    let issuer = world.issuer("default");
    let sealed: Sealed<Refresh> = Sealed::open(&first.refresh, &issuer.ring).unwrap();
    let tenant = TenantId::parse("default").unwrap();
    let key = Key::Grant(tenant, GrantId(sealed.record()));
    let store = &world.app.engine.store;
    let read = |store: &Arc<dyn Store>| {
        let keys = [key.clone()];
        let found = world.wait(store.read(&keys)).unwrap().pop().flatten();
        found.unwrap()
    };
    let before = read(store).record;
    let second = Tokens::of(&world.send(MX.mx_refresh(&first.refresh)).expect(200));
    let third = Tokens::of(&world.send(MX.mx_refresh(&second.refresh)).expect(200));
    let expected = Expected::Revision(read(store).revision);
    let change = Change { key: key.clone(), expected, next: Some(before) };
    world.wait(store.commit(Batch { changes: vec![change], ..Batch::default() })).unwrap();
    let answer = world.refused(MX.mx_refresh(&third.refresh), 400, "E2014");
    assert_eq!(answer.member("error"), "invalid_grant");
    let Record::Grant(after) = read(store).record else { panic!("no grant") };
    assert!(after.revoked.is_none(), "a store that is behind is no reason to end a grant");
    told.push("E2014".into());
}

/// Provokes E5002: 64 narrower scopes of one grant are alive.
pub(crate) fn more_views_than_a_grant_keeps(told: &mut Vec<String>) {
    let world = World::new();
    let token = world.send(FIN.fin_own("OAC")).expect(200).member("refresh_token");
    let scopes: Vec<String> = ["organisations", "companies", "users", "applications"]
        .iter()
        .flat_map(|what| ["read", "write"].map(|how| format!("{what}:{how}")))
        .collect();
    let narrowed = |bits: usize| {
        let chosen = scopes.iter().enumerate().filter(|(n, _)| bits >> n & 1 == 1);
        let scope: Vec<&str> = chosen.map(|(_, scope)| scope.as_str()).collect();
        let pairs = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &*token),
            ("scope", &scope.join(" ")),
        ];
        FIN.ask("/oauth/refreshtoken", &pairs)
    };
    for bits in 1..=64 {
        world.send(narrowed(bits)).expect(200);
    }
    world.refused(narrowed(65), 503, "E5002");
    world.send(narrowed(64)).expect(200);
    world.send(FIN.fin_refresh(&token)).expect(200);
    // Their tokens have expired: there is room again.
    world.clock.advance(16 * 3_600);
    world.send(narrowed(65)).expect(200);
    told.push("E5002".into());
}

//! One connection, its time limits and its graceful end, at the price of one timer that is seldom set.
//!
//! A timer for every head and every body goes into the runtime's wheel and out of it again, under a
//! lock. Here a limit is a number beside the connection, and the connection's one timer looks at it
//! when it rings. A waker is given away once: it is the task's own and stays good for its whole life.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use hyper::rt::Timer;
use hyper_util::server::graceful::GracefulConnection;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};

/// What a connection of HTTP/1.1 waits for: one thing at a time, a head or a body.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alarm(Arc<Waiting>);

/// Read and written by the connection's own task alone; atomics because tasks move between threads.
#[derive(Debug, Default)]
struct Waiting {
    /// How long it may take; 0 when nothing is waited for.
    lasts_ms: AtomicU32,
    /// Counts the waits.
    turn: AtomicU32,
    rang: AtomicBool,
}

impl Alarm {
    fn begin(&self, lasts: Duration) {
        let waiting = &*self.0;
        waiting.rang.store(false, Ordering::Relaxed);
        waiting.turn.fetch_add(1, Ordering::Relaxed);
        let lasts = u32::try_from(lasts.as_millis()).unwrap_or(u32::MAX);
        waiting.lasts_ms.store(lasts, Ordering::Relaxed);
    }

    fn end(&self) {
        self.0.lasts_ms.store(0, Ordering::Relaxed);
    }

    fn rang(&self) -> bool {
        self.0.rang.load(Ordering::Relaxed)
    }

    /// What is waited for, by its number, and how long.
    fn awaited(&self) -> Option<(u32, Duration)> {
        let lasts = self.0.lasts_ms.load(Ordering::Relaxed);
        let turn = self.0.turn.load(Ordering::Relaxed);
        (lasts > 0).then(|| (turn, Duration::from_millis(lasts.into())))
    }

    /// What comes of a future that is polled by this connection; `None` when it takes longer.
    pub(crate) async fn within<F: Future>(&self, lasts: Duration, future: F) -> Option<F::Output> {
        let mut future = std::pin::pin!(future);
        let wait = Wait(self.clone());
        wait.0.begin(lasts);
        std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if wait.0.rang() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}

/// Ends its wait when it goes.
#[derive(Debug)]
struct Wait(Alarm);

impl Drop for Wait {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.rang() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl hyper::rt::Sleep for Wait {}

/// Gives hyper its time limit on heads. hyper names an end and means a length from now on: the clock
/// that it is shown stands still.
#[derive(Clone, Debug)]
pub(crate) struct Heads {
    alarm: Alarm,
    still: std::time::Instant,
}

impl Heads {
    pub(crate) fn new(alarm: Alarm) -> Self {
        Self { alarm, still: Instant::now().into_std() }
    }
}

impl Timer for Heads {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.alarm.begin(duration);
        Box::pin(Wait(self.alarm.clone()))
    }

    fn sleep_until(&self, deadline: std::time::Instant) -> Pin<Box<dyn hyper::rt::Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.still))
    }

    fn now(&self) -> std::time::Instant {
        self.still
    }

    fn reset(&self, _: &mut Pin<Box<dyn hyper::rt::Sleep>>, deadline: std::time::Instant) {
        // The wait that is there goes on: a new one in its place would be ended by its going.
        self.alarm.begin(deadline.saturating_duration_since(self.still));
    }
}

/// See the module.
pub(crate) struct Tended<C> {
    connection: Pin<Box<C>>,
    alarm: Alarm,
    /// The wait that `due` is the end of.
    turn: Option<u32>,
    due: Instant,
    timer: Option<Pin<Box<Sleep>>>,
    /// To be told of the end. Kept until the connection is gone: somebody counts them.
    ending: watch::Receiver<bool>,
    told: Pin<Box<dyn Future<Output = ()> + Send>>,
    ended: bool,
    /// What the timer and the end have been given.
    waker: Option<Waker>,
}

impl<C> Tended<C> {
    /// `ending` turns true when the connection is to finish what it is at.
    pub(crate) fn new(connection: C, alarm: Alarm, ending: watch::Receiver<bool>) -> Self {
        let mut ends = ending.clone();
        let told = async move {
            let _ = ends.wait_for(|ends| *ends).await;
        };
        Self {
            connection: Box::pin(connection),
            alarm,
            turn: None,
            due: Instant::now(),
            timer: None,
            ending,
            told: Box::pin(told),
            ended: false,
            waker: None,
        }
    }

    /// Whether the wait took too long. Looks at the clock once for each wait.
    fn is_late(&mut self, cx: &mut Context<'_>, fresh: bool) -> bool {
        let Some((turn, lasts)) = self.alarm.awaited() else { return false };
        if self.turn != Some(turn) {
            self.turn = Some(turn);
            self.due = Instant::now() + lasts;
        }
        let due = self.due;
        // One that is set for a wait that is over rings too early, and is set anew then.
        let (timer, new) = match &mut self.timer {
            Some(timer) => (timer, fresh),
            none => (none.insert(Box::pin(sleep_until(due))), true),
        };
        // Nor may it ring too late, after a wait that was to be longer.
        let late = timer.deadline() > due;
        if late {
            timer.as_mut().reset(due);
        }
        if !new && !late && !timer.is_elapsed() {
            return false;
        }
        while timer.as_mut().poll(cx).is_ready() {
            if due <= Instant::now() {
                return true;
            }
            timer.as_mut().reset(due);
        }
        false
    }
}

impl<C: GracefulConnection> Future for Tended<C> {
    type Output = C::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        let this = &mut *self;
        let fresh = !this.waker.as_ref().is_some_and(|known| known.will_wake(cx.waker()));
        if fresh {
            this.waker = Some(cx.waker().clone());
        }
        if !this.ended
            && (fresh || this.ending.has_changed().unwrap_or(true))
            && this.told.as_mut().poll(cx).is_ready()
        {
            this.ended = true;
            this.connection.as_mut().graceful_shutdown();
        }
        loop {
            if let Poll::Ready(done) = this.connection.as_mut().poll(cx) {
                return Poll::Ready(done);
            }
            // Who has been told looks when its turn comes: it may have to write first.
            if this.alarm.rang() || !this.is_late(cx, fresh) {
                return Poll::Pending;
            }
            this.timer = None;
            this.alarm.0.rang.store(true, Ordering::Relaxed);
        }
    }
}

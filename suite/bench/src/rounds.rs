//! A flow on two servers in turn, A B A B, so that what drifts on the machine hits both.

use crate::drive::{self, CONNECTIONS, Load, Pace, Window};
use crate::flows::{Carrier, Flow, OURS, Setting};
use crate::ground::Ground;
use crate::process::Process;
use crate::seed::Handles;

/// The servers of a run.
pub(crate) struct Servers {
    pub(crate) ground: Ground,
    pub(crate) ours: Process,
    pub(crate) our_handles: Handles,
    pub(crate) floor: Process,
    pub(crate) floor_handles: Handles,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Ours,
    Floor,
}

/// How long a measurement takes and what it uses up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) warm: std::time::Duration,
    pub(crate) window: std::time::Duration,
}

/// The rounds of one flow.
pub(crate) struct Measured {
    pub(crate) flow: &'static Flow,
    pub(crate) ours: Vec<Window>,
    pub(crate) floor: Vec<Window>,
}

/// Answers a second that need a signature with RSA on both ends: what assertions are made for.
pub(crate) const SIGNED_RATE: f64 = 5_000.0;

/// How many a measurement can use.
pub(crate) fn assertions(timing: Timing) -> usize {
    ((timing.warm + timing.window).as_secs_f64() * SIGNED_RATE) as usize
}

impl Servers {
    /// One window of a flow on one of the servers.
    pub(crate) fn window(
        &self,
        flow: &Flow,
        side: Side,
        timing: Timing,
        pace: Pace,
    ) -> Result<Window, String> {
        self.loaded(flow, side, timing, (pace, CONNECTIONS))
    }

    /// The same with so many connections.
    pub(crate) fn loaded(
        &self,
        flow: &Flow,
        side: Side,
        timing: Timing,
        (pace, connections): (Pace, usize),
    ) -> Result<Window, String> {
        let (process, handles) = match side {
            Side::Ours => (&self.ours, &self.our_handles),
            Side::Floor => (&self.floor, &self.floor_handles),
        };
        let (ground, assertions) = (&self.ground, assertions(timing));
        let setting = Setting { ground, handles, assertions, paths: &OURS };
        let works = (flow.works)(&setting, connections)?;
        let (address, tls) = match flow.carrier {
            Carrier::Plain => (process.plain, vec![]),
            Carrier::Tls => (process.tls.ok_or("no TLS address")?, vec![ground.tls(None)?]),
            Carrier::Mtls => {
                let each = ground.identities.iter().map(|identity| ground.tls(Some(identity)));
                (process.mtls.ok_or("no mTLS address")?, each.collect::<Result<_, _>>()?)
            }
        };
        let may_shed = matches!(pace, Pace::Rate(_));
        let Timing { warm, window } = timing;
        let load = Load { address, tls, pace, warm, window, may_shed };
        drive::run(&load, works, process)
    }

    /// All rounds of a flow.
    pub(crate) fn measure(
        &self,
        flow: &'static Flow,
        rounds: usize,
        timing: Timing,
    ) -> Result<Measured, String> {
        let mut measured = Measured { flow, ours: vec![], floor: vec![] };
        for _ in 0..rounds {
            let told = |side: Side| move |e: String| format!("{} ({side:?}): {e}", flow.name);
            let ours = self.window(flow, Side::Ours, timing, Pace::Closed);
            measured.ours.push(ours.map_err(told(Side::Ours))?);
            let floor = self.window(flow, Side::Floor, timing, Pace::Closed);
            measured.floor.push(floor.map_err(told(Side::Floor))?);
        }
        Ok(measured)
    }
}

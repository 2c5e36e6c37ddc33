//! The agent's one loop, and the world's only owner: devices, pages, the host's sockets and time, each with a budget
//! for a turn so that none starves the others. The only file of the program that reads a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{pending, poll_fn};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use netmodes_core::id::TapId;
use netmodes_core::runner::{Runner, ViewerId};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::failure;
use crate::host_sockets::{Change, Watch};
use crate::session::{FromSession, GOODBYE, Outbox, SessionId};
use crate::tap::{Buffer, Tap};
use crate::texts::Texts;

/// Messages of pages handled before others have their turn.
const MESSAGES_PER_TURN: usize = 64;

/// Time since the program began.
#[derive(Clone, Copy)]
struct WallClock(Instant);

impl WallClock {
    #[allow(clippy::disallowed_methods, reason = "the agent's driver is what reads the clock")]
    fn start() -> Self {
        Self(Instant::now())
    }

    fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    /// Waits until then; for ever when there is no then. What is due gives others a turn first.
    async fn until(self, wall_ns: Option<u64>) {
        match wall_ns {
            None => pending().await,
            Some(at) if at <= self.now() => tokio::task::yield_now().await,
            Some(at) => {
                let at = self.0.checked_add(Duration::from_nanos(at));
                match at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => pending().await,
                }
            }
        }
    }
}

/// What the loop drives.
pub(crate) struct Driver {
    runner: Runner,
    clock: WallClock,
    taps: BTreeMap<TapId, Tap>,
    sessions: BTreeMap<SessionId, (ViewerId, Arc<Outbox>)>,
    watch: Option<(Watch, mpsc::Receiver<Change>)>,
    /// Devices that the kernel has taken away.
    lost: (mpsc::UnboundedSender<TapId>, mpsc::UnboundedReceiver<TapId>),
    texts: Texts,
}

/// What woke the loop.
enum Woken {
    Frames,
    TapLost(TapId, io::Error),
    Session(FromSession),
    Sockets(Option<Change>),
    Time,
    Signal,
}

impl Driver {
    /// Drives `runner` from now on; its wall's time begins here.
    pub(crate) fn new(runner: Runner, watch: Option<(Watch, mpsc::Receiver<Change>)>, texts: Texts) -> Self {
        let (taps, sessions) = (BTreeMap::new(), BTreeMap::new());
        Self { runner, clock: WallClock::start(), taps, sessions, watch, lost: mpsc::unbounded_channel(), texts }
    }

    /// Puts a device in the place of a VM's card.
    ///
    /// # Errors
    /// As [`Runner::attach_tap`].
    pub(crate) fn attach(&mut self, vm: &str, adapter: u8, tap: Tap) -> Result<(), netmodes_core::error::UserError> {
        let id = self.runner.attach_tap(self.clock.now(), vm, adapter, tap.name())?;
        let (lost, tell) = (tap.lost(), self.lost.0.clone());
        tokio::spawn(async move {
            // One message a device, and none when the program ends first.
            if lost.await.is_ok() {
                let _ = tell.send(id);
            }
        });
        self.taps.insert(id, tap);
        Ok(())
    }

    /// Goes on until a signal ends the program.
    ///
    /// # Errors
    /// When signals cannot be heard.
    pub(crate) async fn run(mut self, mut from_sessions: mpsc::Receiver<FromSession>) -> io::Result<()> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let mut signals = kinds.into_iter().map(signal).collect::<io::Result<Vec<_>>>()?;
        let mut buffer = Buffer::default();
        loop {
            match self.wait(&mut buffer, &mut from_sessions, &mut signals).await {
                Woken::Frames | Woken::Time => {}
                Woken::TapLost(id, error) => self.lose_tap(id, &error),
                Woken::Session(first) => {
                    self.hear(first);
                    for _ in 1..MESSAGES_PER_TURN {
                        let Ok(next) = from_sessions.try_recv() else { break };
                        self.hear(next);
                    }
                }
                Woken::Sockets(Some(Change { whole, put, del, not_permitted })) => {
                    self.runner.host_sockets(put, del, whole, not_permitted);
                }
                Woken::Sockets(None) => self.watch = None,
                Woken::Signal => {
                    self.say_goodbye(from_sessions).await;
                    return Ok(());
                }
            }
            self.runner.advance(self.clock.now());
            self.send_frames();
            self.send_messages();
            if let Some((watch, _)) = &self.watch {
                watch.want(self.runner.wants_host_sockets());
            }
        }
    }

    /// Sleeps until something is to be done. Frames that came are in the world already when it returns.
    async fn wait(
        &mut self,
        buffer: &mut Buffer,
        from_sessions: &mut mpsc::Receiver<FromSession>,
        signals: &mut [Signal],
    ) -> Woken {
        let (clock, wakeup) = (self.clock, self.runner.next_wakeup());
        let Self { runner, taps, watch, lost, .. } = self;
        let frames = poll_fn(|cx| {
            let mut woken = Poll::Pending;
            for (id, tap) in taps.iter_mut() {
                let take = |bytes: &[u8]| runner.handle_tap_frame(clock.now(), *id, bytes);
                match tap.poll_frames(cx, buffer, take) {
                    Poll::Ready(Ok(())) => woken = Poll::Ready(Woken::Frames),
                    Poll::Ready(Err(error)) => return Poll::Ready(Woken::TapLost(*id, error)),
                    Poll::Pending => {}
                }
            }
            woken
        });
        let sockets = async {
            match watch {
                Some((_, changes)) => changes.recv().await,
                None => pending().await,
            }
        };
        let signal = poll_fn(|cx| {
            let heard = signals.iter_mut().any(|signal| signal.poll_recv(cx).is_ready());
            if heard { Poll::Ready(()) } else { Poll::Pending }
        });
        tokio::select! {
            woken = frames => woken,
            Some(said) = from_sessions.recv() => Woken::Session(said),
            Some(id) = lost.1.recv() => Woken::TapLost(id, io::Error::from_raw_os_error(nix::errno::Errno::ENODEV as i32)),
            change = sockets => Woken::Sockets(change),
            () = clock.until(wakeup) => Woken::Time,
            () = signal => Woken::Signal,
        }
    }

    /// Ends the sessions; the devices go with their descriptors.
    async fn say_goodbye(&mut self, mut from_sessions: mpsc::Receiver<FromSession>) {
        self.sessions.values().for_each(|(_, outbox)| outbox.close());
        let all_gone = async {
            while !self.sessions.is_empty() {
                match from_sessions.recv().await {
                    Some(FromSession::Closed(id)) => drop(self.sessions.remove(&id)),
                    Some(_) => {}
                    None => return,
                }
            }
        };
        let _ = tokio::time::timeout(2 * GOODBYE, all_gone).await;
    }

    fn lose_tap(&mut self, id: TapId, error: &io::Error) {
        if let Some(tap) = self.taps.remove(&id) {
            let args = [("device", tap.name()), ("message", &error.to_string())];
            failure::tell(&self.texts.say("tap-lost", &args));
        }
    }

    fn hear(&mut self, said: FromSession) {
        match said {
            FromSession::Opened(id, outbox) => {
                let viewer = self.runner.connect();
                self.sessions.insert(id, (viewer, outbox));
            }
            FromSession::Said(id, text) => {
                if let Some((viewer, _)) = self.sessions.get(&id) {
                    self.runner.handle_message(*viewer, self.clock.now(), &text);
                }
            }
            FromSession::Closed(id) => {
                if let Some((viewer, outbox)) = self.sessions.remove(&id) {
                    outbox.close();
                    self.runner.disconnect(viewer);
                }
            }
        }
    }

    fn send_frames(&mut self) {
        while let Some((id, frame)) = self.runner.poll_tap_frame() {
            if let Some(tap) = self.taps.get_mut(&id) {
                tap.send(Rc::clone(&frame.bytes));
            }
        }
    }

    /// Hands messages to the pages' outboxes. A page whose outbox is full gets everything anew.
    fn send_messages(&mut self) {
        for viewer in self.hand_out() {
            self.runner.resync(viewer);
            if let Some((watch, _)) = &self.watch {
                watch.begin_anew();
            }
        }
        // The fresh pictures: an outbox that has just been emptied takes them.
        self.hand_out();
    }

    /// The viewers that lost what waited for them.
    fn hand_out(&mut self) -> BTreeSet<ViewerId> {
        let mut slow = BTreeSet::new();
        while let Some((viewer, message)) = self.runner.poll_message() {
            let outbox = self.sessions.values().find(|(id, _)| *id == viewer).map(|(_, outbox)| outbox);
            if outbox.is_some_and(|outbox| !outbox.push(message)) {
                slow.insert(viewer);
            }
        }
        slow
    }
}

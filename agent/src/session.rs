//! One page's connection: text messages in both directions between a WebSocket and the driver.
//!
//! What goes out waits in a bounded [`Outbox`]. A page that is too slow loses what waits and gets a fresh picture
//! instead of a longer queue; that is for the driver to decide. Must not know what messages mean.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use netmodes_core::limits::MESSAGE_BYTES_MAX;
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, frame::CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Messages that wait for a page at most.
const OUTBOX_MESSAGES_MAX: usize = 256;
/// Bytes that wait for a page at most, the message that goes over it included.
const OUTBOX_BYTES_MAX: usize = 4 * MESSAGE_BYTES_MAX;

/// A page has so long to hear that the connection ends.
pub(crate) const GOODBYE: Duration = Duration::from_millis(500);

/// Names a connection for as long as the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SessionId(pub(crate) u64);

/// What a connection tells the driver.
#[derive(Debug)]
pub(crate) enum FromSession {
    /// It has begun; what is for it goes there.
    Opened(SessionId, Arc<Outbox>),
    /// The page said something.
    Said(SessionId, String),
    /// It has ended.
    Closed(SessionId),
}

/// What waits to be sent to one page.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    messages: VecDeque<String>,
    bytes: usize,
    closed: bool,
}

impl Outbox {
    /// Adds a message. `false` when there was no room: then nothing waits any more, this message neither.
    pub(crate) fn push(&self, message: String) -> bool {
        let fits = {
            let mut waiting = self.lock();
            waiting.bytes += message.len();
            // A single message always fits: a large picture must reach a page that keeps up.
            let fits = waiting.messages.is_empty()
                || waiting.messages.len() < OUTBOX_MESSAGES_MAX && waiting.bytes <= OUTBOX_BYTES_MAX;
            if fits {
                waiting.messages.push_back(message);
            } else {
                waiting.messages.clear();
                waiting.bytes = 0;
            }
            fits
        };
        self.news.notify_one();
        fits
    }

    /// Nothing more comes: the connection ends when all is sent.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.news.notify_one();
    }

    /// The next message, as soon as there is one; none after the last.
    async fn next(&self) -> Option<String> {
        loop {
            {
                let mut waiting = self.lock();
                if let Some(message) = waiting.messages.pop_front() {
                    waiting.bytes = waiting.bytes.saturating_sub(message.len());
                    return Some(message);
                }
                if waiting.closed {
                    return None;
                }
            }
            self.news.notified().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        // A panic elsewhere cannot leave a queue half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Carries messages until one side ends.
pub(crate) async fn run(id: SessionId, upgraded: Upgraded, driver: mpsc::Sender<FromSession>) {
    let config =
        WebSocketConfig::default().max_message_size(Some(MESSAGE_BYTES_MAX)).max_frame_size(Some(MESSAGE_BYTES_MAX));
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let (mut sink, mut stream) = socket.split();
    let outbox = Arc::new(Outbox::default());
    if driver.send(FromSession::Opened(id, outbox.clone())).await.is_err() {
        return;
    }
    let hear = async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    if driver.send(FromSession::Said(id, text.as_str().to_owned())).await.is_err() {
                        return CloseCode::Away;
                    }
                }
                Some(Ok(Message::Binary(_))) => return CloseCode::Unsupported,
                // Pings are answered by the library.
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_))) | None => return CloseCode::Normal,
                Some(Err(Error::Capacity(_))) => return CloseCode::Size,
                Some(Err(Error::Utf8(_))) => return CloseCode::Invalid,
                Some(Err(_)) => return CloseCode::Protocol,
            }
        }
    };
    let speak = async {
        while let Some(message) = outbox.next().await {
            if sink.send(Message::text(message)).await.is_err() {
                break;
            }
        }
        CloseCode::Away
    };
    let code = tokio::select! {
        code = hear => code,
        code = speak => code,
    };
    let goodbye = sink.send(Message::Close(Some(CloseFrame { code, reason: "".into() })));
    // A page that does not even take this is gone.
    let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    let _ = driver.send(FromSession::Closed(id)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_outbox_is_emptied_and_takes_again() {
        let outbox = Outbox::default();
        for _ in 0..OUTBOX_MESSAGES_MAX {
            assert!(outbox.push("x".to_owned()));
        }
        assert!(!outbox.push("one too many".to_owned()));
        assert!(outbox.lock().messages.is_empty());
        assert!(outbox.push("anew".to_owned()));
    }

    #[test]
    fn bytes_are_bounded_but_one_message_always_fits() {
        let outbox = Outbox::default();
        assert!(outbox.push("x".repeat(OUTBOX_BYTES_MAX + 1)));
        assert!(!outbox.push("y".to_owned()));
        assert_eq!(outbox.lock().bytes, 0);
    }

    #[test]
    fn messages_come_out_in_order_and_then_the_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let outbox = Outbox::default();
            outbox.push("a".to_owned());
            outbox.push("b".to_owned());
            outbox.close();
            assert_eq!(outbox.next().await.as_deref(), Some("a"));
            assert_eq!(outbox.next().await.as_deref(), Some("b"));
            assert_eq!(outbox.next().await, None);
        });
    }
}

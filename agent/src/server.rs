//! One loopback port for page and WebSocket: connections, the upgrade, refusals.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use netmodes_core::error::UserError;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::auth::{Access, PROTOCOL, Refused};
use crate::session::{self, FromSession, SessionId};
use crate::site::{Answer, Site, plain};
use crate::texts::Texts;

/// Pages connected at the same time.
const VIEWERS_MAX: usize = 32;
/// Connections at the same time, those that only fetch files included; more wait for their turn.
const CONNECTIONS_MAX: usize = 128;
/// A client that has not sent its request's head by then is let go.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a request's head (a page's own have less than two thousand).
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// The only version of the WebSocket protocol (RFC 6455, 4.1).
const WEBSOCKET_VERSION: &str = "13";

/// What every connection needs.
pub(crate) struct Server {
    /// Who is let in.
    pub(crate) access: Access,
    /// The page.
    pub(crate) site: Site,
    /// The words of refusals.
    pub(crate) texts: Texts,
    /// The driver.
    pub(crate) driver: mpsc::Sender<FromSession>,
    viewers: Arc<Semaphore>,
    next_session: AtomicU64,
}

impl Server {
    /// A server that nobody is connected to yet.
    pub(crate) fn new(access: Access, site: Site, texts: Texts, driver: mpsc::Sender<FromSession>) -> Self {
        let viewers = Arc::new(Semaphore::new(VIEWERS_MAX));
        Self { access, site, texts, driver, viewers, next_session: AtomicU64::new(1) }
    }

    fn refuse(&self, refused: &Refused) -> Answer {
        match refused {
            Refused::Host => plain(StatusCode::MISDIRECTED_REQUEST, "421\n"),
            Refused::Origin(origin) => {
                let error = UserError::new("agent-origin").with("origin", origin);
                plain(StatusCode::FORBIDDEN, &(self.texts.error(&error) + "\n"))
            }
            Refused::Token => {
                let error = UserError::new("agent-token");
                plain(StatusCode::FORBIDDEN, &(self.texts.error(&error) + "\n"))
            }
        }
    }

    fn answer(&self, mut request: Request<Incoming>) -> Answer {
        if let Err(refused) = self.access.check_host(request.headers()) {
            return self.refuse(&refused);
        }
        if request.uri().path() == "/ws" {
            return self.upgrade(&mut request);
        }
        self.site.answer(request.method(), request.uri().path(), request.headers())
    }

    /// Opens a WebSocket (RFC 6455, 4.2): first who, then how.
    fn upgrade(&self, request: &mut Request<Incoming>) -> Answer {
        if let Err(refused) = self.access.check_session(request.headers()) {
            return self.refuse(&refused);
        }
        let headers = request.headers();
        let asks = request.method() == Method::GET
            && has_word(headers, &UPGRADE, "websocket")
            && has_word(headers, &CONNECTION, "upgrade");
        let (true, Some(key)) = (asks, headers.get(SEC_WEBSOCKET_KEY)) else {
            return plain(StatusCode::BAD_REQUEST, "400\n");
        };
        if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != WEBSOCKET_VERSION) {
            let mut answer = plain(StatusCode::UPGRADE_REQUIRED, "426\n");
            answer.headers_mut().insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(WEBSOCKET_VERSION));
            return answer;
        }
        let Ok(seat) = self.viewers.clone().try_acquire_owned() else {
            return plain(StatusCode::SERVICE_UNAVAILABLE, "503\n");
        };
        let accept = derive_accept_key(key.as_bytes());
        let id = SessionId(self.next_session.fetch_add(1, Ordering::Relaxed));
        let (upgraded, driver) = (hyper::upgrade::on(request), self.driver.clone());
        tokio::spawn(async move {
            if let Ok(upgraded) = upgraded.await {
                session::run(id, upgraded, driver).await;
            }
            drop(seat);
        });
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let set = answer.headers_mut();
        set.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        set.insert(UPGRADE, HeaderValue::from_static("websocket"));
        set.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOL));
        if let Ok(accept) = HeaderValue::from_str(&accept) {
            set.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        answer
    }
}

fn has_word(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let lists = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| one.trim().eq_ignore_ascii_case(word))
}

/// Takes connections for as long as the program runs.
pub(crate) async fn run(listener: TcpListener, server: Arc<Server>) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(seat) = room.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let server = server.clone();
                tokio::spawn(async move {
                    // A connection that breaks off is its client's affair.
                    let _ = connection(stream, server).await;
                    drop(seat);
                });
            }
            // Out of descriptors, for instance: it gets better when a connection ends.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn connection(stream: TcpStream, server: Arc<Server>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let service = service_fn(move |request| {
        let answer = server.answer(request);
        async move { Ok::<_, std::convert::Infallible>(answer) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await
        .map_err(io::Error::other)
}

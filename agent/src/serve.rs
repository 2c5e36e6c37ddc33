//! `netmodes serve`: reads its options, makes the devices, opens the port, says where, and gives all to the driver.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use lexopt::prelude::*;
use netmodes_core::protocol::{Capabilities, Rewind};
use netmodes_core::runner::{Runner, RunnerConfig};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::auth::{Access, is_origin, new_token};
use crate::driver::Driver;
use crate::failure::{Failure, print, tell};
use crate::host_sockets::Watch;
use crate::labs;
use crate::server::{self, Server};
use crate::site::Site;
use crate::tap::{self, Tap};
use crate::texts::Texts;
use crate::words::{Words, unexpected};

const LISTEN_DEFAULT: &str = "127.0.0.1:8600";
/// Messages of pages that wait for the driver; a page that says more waits itself.
const SESSION_QUEUE: usize = 256;

/// A device for a VM's card.
#[derive(Debug, PartialEq)]
struct TapChoice {
    device: String,
    vm: String,
    adapter: u8,
}

#[derive(Debug)]
struct Options {
    listen: SocketAddr,
    lab: String,
    taps: Vec<TapChoice>,
    origins: Vec<String>,
    seed: u64,
}

/// `netmodes serve`.
pub(crate) fn serve(words: &mut Words<'_>) -> Result<u8, Failure> {
    let texts = words.texts;
    let options = read_options(words)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::refused(error.to_string()))?;
    runtime.block_on(run(options, texts))?;
    tell(&texts.say("stopped", &[]));
    Ok(0)
}

fn read_options(words: &mut Words<'_>) -> Result<Options, Failure> {
    let texts = words.texts;
    let mut listen = LISTEN_DEFAULT.to_owned();
    let (mut lab, mut taps, mut origins, mut seed) = (labs::DEFAULT.to_owned(), Vec::new(), Vec::new(), 1);
    while let Some(word) = words.next()? {
        match word {
            Long("listen") => listen = words.text()?,
            Long("lab") => lab = words.text()?,
            Long("tap") => {
                let value = words.text()?;
                taps.push(tap_choice(&value, texts)?);
            }
            Long("allow-origin") => {
                let value = words.text()?;
                if !is_origin(&value) {
                    return Err(Failure::usage(texts.say("origin-word", &[("value", &value)])));
                }
                origins.push(value);
            }
            Long("seed") => seed = words.number("--seed")?,
            Long("lang") => words.skip_lang()?,
            other => return Err(unexpected(texts, other)),
        }
    }
    Ok(Options { listen: listen_addr(&listen, texts)?, lab, taps, origins, seed })
}

/// `DEVICE=VM:ADAPTER`.
fn tap_choice(value: &str, texts: Texts) -> Result<TapChoice, Failure> {
    let parts = value.split_once('=').and_then(|(device, card)| Some((device, card.rsplit_once(':')?)));
    let Some((device, (vm, adapter))) = parts else {
        return Err(Failure::usage(texts.say("tap-word", &[("value", value)])));
    };
    let Ok(adapter) = adapter.parse() else {
        return Err(Failure::usage(texts.say("tap-word", &[("value", value)])));
    };
    if !tap::is_name(device) {
        return Err(Failure::usage(texts.say("tap-name", &[("device", device)])));
    }
    Ok(TapChoice { device: device.to_owned(), vm: vm.to_owned(), adapter })
}

/// An address that only this computer reaches.
fn listen_addr(value: &str, texts: Texts) -> Result<SocketAddr, Failure> {
    let numeric = value.strip_prefix("localhost:").map_or(value.to_owned(), |port| format!("127.0.0.1:{port}"));
    let addr: SocketAddr =
        numeric.parse().map_err(|_| Failure::usage(texts.say("listen-word", &[("value", value)])))?;
    if addr.ip().is_loopback() {
        Ok(addr)
    } else {
        Err(Failure::usage(texts.say("listen-loopback", &[("value", value)])))
    }
}

async fn run(options: Options, texts: Texts) -> Result<(), Failure> {
    let lab = labs::find(&options.lab, texts)?;
    let config = RunnerConfig {
        capabilities: Capabilities {
            place: "agent".to_owned(),
            pace: false,
            load: false,
            rewind: Rewind::View,
            host_sockets: true,
        },
        program: env!("CARGO_PKG_VERSION").to_owned(),
        labs: labs::built_in(),
        seed: options.seed,
    };
    let runner = Runner::new(config, &lab).map_err(|error| Failure::usage(texts.error(&error)))?;
    let watch =
        Watch::start().inspect_err(|error| tell(&texts.say("sockets-failed", &[("message", &error.to_string())]))).ok();
    let mut driver = Driver::new(runner, watch, texts);
    for choice in &options.taps {
        attach(&mut driver, choice, texts)?;
    }
    let (listener, addr) = listen(options.listen).await.map_err(|error| {
        let args = [("value", &*options.listen.to_string()), ("message", &*error.to_string())];
        Failure::refused(texts.say("listen-failed", &args))
    })?;
    let token = new_token()
        .map_err(|error| Failure::refused(texts.say("random-failed", &[("message", &error.to_string())])))?;
    let url = format!("http://{addr}/#token={token}\n");
    let (to_driver, from_sessions) = mpsc::channel(SESSION_QUEUE);
    let access = Access::new(addr, &options.origins, token);
    tokio::spawn(server::run(listener, Arc::new(Server::new(access, Site::embedded(), texts, to_driver))));
    tell(&texts.say("serving", &[("lab", lab.title_in(&texts.say("language", &[])))]));
    print(&url)?;
    driver.run(from_sessions).await.map_err(|error| Failure::refused(error.to_string()))
}

async fn listen(addr: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

fn attach(driver: &mut Driver, choice: &TapChoice, texts: Texts) -> Result<(), Failure> {
    let device = choice.device.as_str();
    let refused = |error: io::Error| {
        let args = [("device", device), ("message", &error.to_string())];
        let key = if error.kind() == io::ErrorKind::PermissionDenied { "tap-needs-root" } else { "tap-failed" };
        Failure::refused(texts.say(key, &args))
    };
    let tap = tap::make(device).and_then(Tap::new).map_err(refused)?;
    driver.attach(&choice.vm, choice.adapter, tap).map_err(|error| Failure::usage(texts.error(&error)))?;
    let args = [("device", device), ("adapter", &choice.adapter.to_string()), ("vm", &choice.vm)];
    tell(&texts.say("tap-ready", &args));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Texts {
        Texts::of_language("en")
    }

    #[test]
    fn only_loopback_addresses_are_served() {
        for value in ["127.0.0.1:8600", "[::1]:0", "localhost:8600", "127.8.0.1:1"] {
            assert!(listen_addr(value, texts()).is_ok(), "{value}");
        }
        for value in ["0.0.0.0:8600", "192.168.0.1:8600", "[::]:8600", "8600", "localhost", "example.org:80"] {
            assert_eq!(listen_addr(value, texts()).map_err(|failure| failure.exit), Err(2), "{value}");
        }
    }

    #[test]
    fn a_tap_names_device_machine_and_adapter() {
        let choice = tap_choice("nm0=vm1:1", texts()).unwrap();
        assert_eq!(choice, TapChoice { device: "nm0".into(), vm: "vm1".into(), adapter: 1 });
        for value in ["nm0", "nm0=vm1", "nm0=vm1:x", "=vm1:1", "a-name-too-long-for-linux=vm1:1", "nm%d=vm1:1"] {
            assert!(tap_choice(value, texts()).is_err(), "{value}");
        }
    }
}

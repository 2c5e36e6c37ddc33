//! Time on the page: the timeline, looking back, branching, undo and redo, running until a lease's T1, an agent that is
//! lost and comes back.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use netmodes_tests::agent::Agent;
use netmodes_tests::browser::Browser;
use netmodes_tests::paths;
use netmodes_tests::site::SiteServer;

async fn page() -> (SiteServer, Browser) {
    let (site, browser) = (SiteServer::start(paths::site(), &[]), Browser::start().await);
    browser.open(&site.url("")).await;
    browser.wait("document.querySelector('.typed .prompt')").await;
    (site, browser)
}

/// Goes to a place of the timeline, 0 to 1, and waits until it is shown.
async fn look_at(browser: &Browser, place: f64) {
    let before = browser.look("Number(document.querySelector('.time').dataset.looks)").await;
    let event = format!("Object.assign(new Event('netmodes:look'), {{ detail: {place} }})");
    browser.look(&format!("document.querySelector('.track').dispatchEvent({event})")).await;
    browser.wait(&format!("Number(document.querySelector('.time').dataset.looks) > {before}")).await;
}

const ROWS: &str = "document.querySelector('.rows')?.scrollHeight ?? 0";
const ADDRESS: &str = "document.querySelector('main.stage').textContent.includes('10.0.2.15/24')";

#[tokio::test]
async fn dragging_the_head_shows_the_page_as_it_was_and_one_can_go_on_from_there() {
    let (_site, browser) = page().await;
    browser.run("dhclient enp0s3").await;
    browser.run("ping -c 2 8.8.8.8").await;
    browser.wait(ADDRESS).await;
    let (frames, terminal) = (browser.look(ROWS).await.as_f64().unwrap(), browser.terminal().await);
    assert!(terminal.contains("2 packets transmitted"));

    // By the mouse to the very beginning: no address, no frames, an empty terminal.
    let track = "document.querySelector('.track')";
    browser
        .look(&format!(
            "{track}.dispatchEvent(new WheelEvent('wheel', {{ deltaY: -9999, cancelable: true, bubbles: true }}))"
        ))
        .await;
    let drag = "(() => { const t = document.querySelector('.track'), r = t.getBoundingClientRect();
        const at = (type, x) => t.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, pointerId: 7,
            clientX: r.left + x, clientY: r.top + 50 }));
        at('pointerdown', r.width - 40); at('pointermove', r.width / 2); at('pointermove', 2); at('pointerup', 2); return 1; })()";
    browser.look(drag).await;
    browser.wait("document.querySelector('#back-to-now')").await;
    browser.wait(&format!("!({ADDRESS})")).await;
    browser.wait(&format!("({ROWS}) < {frames}")).await;
    browser.wait("!document.querySelector('.lines').textContent.includes('packets transmitted')").await;
    browser.wait("document.querySelector('.clock').textContent.startsWith('00:00.0')").await;

    // Back to now: everything is there again.
    browser.click("#back-to-now").await;
    browser.wait(ADDRESS).await;
    browser.wait("!document.querySelector('#back-to-now')").await;
    assert_eq!(browser.terminal().await, terminal);

    // To just before the ping, with the keyboard, and on from there: what came later is undone.
    browser.keys("#head", "\u{e00e}").await;
    browser.wait("document.querySelector('#branch')").await;
    browser.keys("#head", "\u{e012}").await;
    browser.click("#branch").await;
    browser.wait("!document.querySelector('#back-to-now')").await;
    browser.wait("document.querySelector('#redo:not([disabled])')").await;
    browser.run("ip addr").await;
    browser.wait("document.querySelector('#redo').disabled").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn a_change_of_mode_is_undone_and_done_again() {
    let (_site, browser) = page().await;
    browser.run("dhclient enp0s3").await;
    let mode = "[...document.querySelectorAll('.socket[aria-pressed=true]')].map((s) => s.textContent.trim()).join()";
    let before = browser.look(mode).await;
    let socket = "[...document.querySelectorAll('.socket')].find((s) => /Bridged/.test(s.textContent))";
    browser.look(&format!("{socket}.dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))")).await;
    browser.wait(&format!("/Bridged/.test({mode})")).await;
    browser.wait("/Bridged/.test(document.querySelector('#undo').title)").await;
    browser.click("#undo").await;
    browser.wait(&format!("({mode}) === {before}")).await;
    browser.wait("/Bridged/.test(document.querySelector('#redo').title)").await;
    browser.wait(ADDRESS).await;
    browser.click("#redo").await;
    browser.wait(&format!("/Bridged/.test({mode})")).await;
    // The lease's command can be undone after it, and is named.
    browser.click("#undo").await;
    browser.wait("document.querySelector('#undo').title.includes('vm1: dhclient enp0s3')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn until_t1_stands_where_the_client_asks_to_renew() {
    let (_site, browser) = page().await;
    browser.run("dhclient enp0s3").await;
    browser.click("#until").await;
    browser.click(".menu [data-until=until-t1]").await;
    browser.wait("/^\\d+d /.test(document.querySelector('.clock').textContent) && document.querySelector('#play[title=\"Let time run\"]')").await;
    browser.click("#step-exchange").await;
    browser.wait("[...document.querySelectorAll('.rows .row')].filter((r) => /DHCP/.test(r.textContent)).slice(-1)[0]?.textContent.includes('ACK')").await;
    let blocks = browser.look("[...document.querySelectorAll('.block title')].filter((t) => t.textContent.startsWith('DHCP · vm1')).length").await;
    assert!(blocks.as_u64() >= Some(1), "{blocks}");
    assert!(
        browser.look("document.querySelectorAll('.track .gap').length").await.as_u64() >= Some(1),
        "days are a gap"
    );
    browser.assert_console_clean();
}

#[tokio::test]
async fn an_agents_record_is_looked_back_at_and_a_lost_agent_comes_back() {
    let agent = Agent::start(&[]);
    let browser = Browser::start().await;
    let port = agent.url.split([':', '/']).filter_map(|part| part.parse().ok()).next().expect("a port in the address");
    let wire = Wire::to(port);
    browser.open(&agent.url.replace("127.0.0.1", "[::1]")).await;
    browser.wait("document.querySelector('header .pill.on')").await;
    browser.run("dhclient enp0s3").await;
    browser.run("ping -c 1 8.8.8.8").await;
    assert_eq!(browser.look("document.querySelector('#play').disabled").await, true, "a real lab is not paused");
    assert_eq!(browser.look("document.querySelector('#undo').disabled").await, true);
    look_at(&browser, 0.0).await;
    browser.wait("document.querySelector('#back-to-now') && !document.querySelector('#branch')").await;
    browser.wait(&format!("!({ADDRESS})")).await;
    // Played back, what was comes again; a real lab goes on meanwhile, so that now is not reached by waiting.
    browser.click("#play").await;
    browser.wait(ADDRESS).await;
    browser.click("#back-to-now").await;
    browser.wait("!document.querySelector('#back-to-now')").await;
    browser.wait(ADDRESS).await;

    // The connection is cut: the picture stays, and says since when.
    wire.cut(true);
    browser.wait("document.querySelector('header .pill.off')").await;
    assert_eq!(browser.look(ADDRESS).await, true);
    let since = browser.look("document.querySelector('header .pill.off').textContent").await;
    assert!(since.as_str().is_some_and(|text| text.contains(':')), "{since}");
    browser.wait("document.querySelector('#back-frame').disabled").await;
    let title = browser.look("document.querySelector('#back-frame').title").await;
    assert!(title.as_str().is_some_and(|text| text.contains("connection is lost")), "{title}");
    // It comes back by itself, and the record goes on.
    let terminal = browser.terminal().await;
    wire.cut(false);
    browser.wait("document.querySelector('header .pill.on')").await;
    assert_eq!(browser.terminal().await, terminal);
    browser.run("ip addr").await;
    look_at(&browser, 0.0).await;
    browser.wait(&format!("!({ADDRESS})")).await;
}

/// A wire between browser and agent that can be cut: the agent's port on the other loopback address.
struct Wire {
    cut: Arc<AtomicBool>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
}

impl Wire {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("::1", port)).expect("the same port of the other loopback address");
        let (cut, streams) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (is_cut, all) = (cut.clone(), streams.clone());
        std::thread::spawn(move || {
            for from in listener.incoming().map_while(Result::ok) {
                if is_cut.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(to) = TcpStream::connect(("127.0.0.1", port)) else { continue };
                let pair = |a: &TcpStream, b: &TcpStream| Some((a.try_clone().ok()?, b.try_clone().ok()?));
                for (mut a, mut b) in [pair(&from, &to), pair(&to, &from)].into_iter().flatten() {
                    std::thread::spawn(move || {
                        drop(std::io::copy(&mut a, &mut b));
                        drop(b.shutdown(Shutdown::Both));
                    });
                }
                all.lock().expect("nobody panics with it").extend([from, to]);
            }
        });
        Self { cut, streams }
    }

    fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::Relaxed);
        for stream in self.streams.lock().expect("nobody panics with it").drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }
}

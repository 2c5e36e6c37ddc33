//! The picture: modes by mouse and by keyboard, the camera, drops.

use std::time::Duration;

use fantoccini::actions::{InputSource, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use netmodes_tests::browser::{Browser, ENTER};
use netmodes_tests::paths;
use netmodes_tests::site::SiteServer;

const DOWN: &str = "\u{e015}";

/// The page with the lab in which every mode can be tried.
async fn page() -> (SiteServer, Browser) {
    let site = SiteServer::start(paths::site(), &[]);
    let browser = Browser::start().await;
    browser.open(&site.url("#lab=modes")).await;
    browser.wait("document.querySelectorAll('.plug').length === 2").await;
    browser.wait("document.querySelector('.typed .prompt')").await;
    // What is new fades in, and what moves moves.
    tokio::time::sleep(Duration::from_millis(600)).await;
    (site, browser)
}

/// The middle of the first element that a selector finds, in pixels of the page.
async fn middle(browser: &Browser, css: &str) -> (i64, i64) {
    let rect = format!(
        "(() => {{ const r = document.querySelector('{css}').getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
    );
    let at = browser.look(&rect).await;
    (at[0].as_f64().unwrap() as i64, at[1].as_f64().unwrap() as i64)
}

/// Drags the first VM's plug to a mode's socket, with the mouse; lets it go, or presses Escape first.
async fn drag(browser: &Browser, mode: &str) {
    let (from, to) =
        (middle(browser, ".plug .body").await, middle(browser, &format!(".socket[data-mode={mode}] circle")).await);
    let go = |(x, y): (i64, i64), ms| PointerAction::MoveTo {
        duration: Some(Duration::from_millis(ms)),
        x: x as f64,
        y: y as f64,
    };
    let half = (i64::midpoint(from.0, to.0), i64::midpoint(from.1, to.1));
    let mouse = MouseActions::new("mouse".to_owned())
        .then(go(from, 0))
        .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
        .then(go(half, 60))
        .then(go(to, 60))
        .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
    browser.client.perform_actions(mouse).await.unwrap();
}

async fn is_in(browser: &Browser, mode: &str) {
    browser.wait(&format!("document.querySelector('.socket[data-mode={mode}].used[aria-pressed=true]')")).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
}

#[tokio::test]
async fn each_mode_is_chosen_by_dragging_the_plug_and_its_address_comes() {
    let (_site, browser) = page().await;
    for (mode, lease) in [("nat", "10.0.2.15"), ("bridged", "192.168.0.1"), ("hostonly", "192.168.56.1")] {
        drag(&browser, mode).await;
        is_in(&browser, mode).await;
        browser.run("dhclient -v enp0s3").await;
        let terminal = browser.terminal().await;
        assert!(terminal.contains(&format!("DHCPACK of {lease}")), "{mode}: {terminal}");
        // The card says so too, and the cable shows that it is in use.
        browser.wait(&format!("document.querySelector('.card').textContent.includes('{lease}')")).await;
        browser.wait("document.querySelector('.stage-picture .cable.live')").await;
        browser.run("dhclient -r enp0s3").await;
    }
    let mut built = Vec::new();
    for mode in ["internal", "natnetwork", "notattached"] {
        drag(&browser, mode).await;
        is_in(&browser, mode).await;
        let boxes = browser.look("document.querySelectorAll('.stage-picture > .card .box.built').length").await;
        built.push(boxes.as_u64().unwrap());
    }
    // What nothing is attached to any more is gone; host-only networks stay, as in VirtualBox.
    assert!(built[0] > built[2] && built[1] > built[2], "{built:?}");
    let said = browser.look("document.querySelector('.sr [role=status]').textContent").await;
    assert!(said.as_str().unwrap().contains("vm1, adapter 1: Not attached"), "{said}");
    browser.assert_console_clean();
}

#[tokio::test]
async fn each_mode_is_chosen_by_keyboard() {
    let (_site, browser) = page().await;
    for (mode, steps) in
        [("nat", 1), ("bridged", 2), ("internal", 3), ("hostonly", 4), ("natnetwork", 5), ("notattached", 0)]
    {
        browser.look("document.querySelector('.plug').focus()").await;
        let keys = |keys: String| {
            let client = browser.client.clone();
            async move { client.active_element().await.unwrap().send_keys(&keys).await.unwrap() }
        };
        keys(ENTER.to_owned()).await;
        browser.wait("document.activeElement.getAttribute('role') === 'menuitemradio' && document.activeElement.getAttribute('aria-checked') === 'true'").await;
        keys("\u{e011}".to_owned()).await;
        for _ in 0..steps {
            keys(DOWN.to_owned()).await;
        }
        browser.wait(&format!("document.activeElement.dataset.mode === '{mode}'")).await;
        keys(ENTER.to_owned()).await;
        is_in(&browser, mode).await;
        browser.wait("document.activeElement.classList.contains('plug')").await;
    }
    // Arrows go from thing to thing; Escape closes the menu and changes nothing.
    browser.look("document.querySelector('.plug').focus()").await;
    let plug = browser.client.active_element().await.unwrap();
    plug.send_keys("\u{e014}").await.unwrap();
    browser.wait("document.activeElement.classList.contains('socket')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn the_picture_is_zoomed_panned_and_fitted_and_marks_go_with_it() {
    let (_site, browser) = page().await;
    let seen = "document.querySelector('.stage-picture').getAttribute('viewBox')";
    let whole = browser.look(seen).await;
    let width = |view: &serde_json::Value| view.as_str().unwrap().split(' ').nth(2).unwrap().parse::<f64>().unwrap();
    browser.click(".stage-tools button:nth-child(1)").await;
    let near = browser.look(seen).await;
    assert!(width(&near) < width(&whole), "{near} {whole}");
    browser.look("document.querySelector('.stage-board').focus()").await;
    browser.client.active_element().await.unwrap().send_keys("\u{e014}").await.unwrap();
    let aside = browser.look(seen).await;
    assert_ne!(aside, near, "an arrow pans");
    assert_eq!(browser.look("document.querySelector('.stage-drag').getAttribute('viewBox')").await, aside);
    browser.click(".stage-tools button:nth-child(3)").await;
    assert_eq!(browser.look(seen).await, whole, "all of it again");
    browser.assert_console_clean();
}

#[tokio::test]
async fn a_picture_that_was_hidden_is_there_again_and_a_followed_packet_shows_its_cables() {
    let site = SiteServer::start(paths::site(), &[]);
    let browser = Browser::start().await;
    browser.resize(1280, 900);
    browser.open(&site.url("#lab=nat")).await;
    browser.wait("document.querySelector('.typed .prompt') && document.querySelector('.plug')").await;
    browser.run("dhclient enp0s3").await;
    browser.wait("document.querySelectorAll('.rows .row').length > 3").await;
    browser.look("(document.querySelector('.rows .row').click(), true)").await;
    browser.wait("document.querySelector('.stage-picture .cable.followed')").await;
    let is_seen = "(() => { const board = document.querySelector('.stage-board').getBoundingClientRect(), vm = document.querySelector('.card').getBoundingClientRect();
        return board.width > 0 && vm.width > 60 && vm.left >= board.left && vm.left < board.right && vm.top >= board.top && vm.top < board.bottom; })()";
    // The reader has come close to something; then the window is too low for a picture beside the terminal.
    for _ in 0..4 {
        browser.click(".stage-tools button:nth-child(1)").await;
    }
    browser.resize(720, 450);
    browser.wait("document.querySelector('.stage-board').clientHeight === 0").await;
    for (width, height) in [(390, 844), (1280, 900)] {
        browser.resize(width, height);
        browser.wait(is_seen).await;
    }
    browser.assert_console_clean();
}

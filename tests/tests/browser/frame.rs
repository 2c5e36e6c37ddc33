//! The page's frame and its terminals: tiles, searching the history, words that light up the picture, panes by keyboard,
//! the phone.

use netmodes_tests::browser::{Browser, ENTER};
use netmodes_tests::paths;
use netmodes_tests::site::SiteServer;

async fn page() -> (SiteServer, Browser) {
    let site = SiteServer::start(paths::site(), &[]);
    let browser = Browser::start().await;
    browser.open(&site.url("")).await;
    browser.wait("document.querySelector('.typed .prompt')").await;
    (site, browser)
}

/// A key with Ctrl at the element that has the focus.
async fn press(browser: &Browser, code: &str, key: &str, modifiers: &str) {
    let event = format!("{{ key: '{key}', code: '{code}', {modifiers} bubbles: true, cancelable: true }}");
    browser.look(&format!("document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {event}))")).await;
}

#[tokio::test]
async fn the_history_is_searched_and_several_terminals_are_in_sight() {
    let (_site, browser) = page().await;
    browser.run("ip addr").await;
    browser.run("ip route").await;
    browser.keys(".typed input.command", "").await;
    browser.look("document.querySelector('.typed input.command').focus()").await;
    press(&browser, "KeyR", "r", "ctrlKey: true,").await;
    browser.wait("document.querySelector('.typed .prompt.search')").await;
    browser.keys(".typed input.command", "add").await;
    browser.wait("document.querySelector('.matched').textContent === 'ip addr'").await;
    browser.keys(".typed input.command", ENTER).await;
    browser.wait("document.querySelectorAll('.lines .line .prompt').length === 3").await;

    browser.click("#tiling").await;
    browser.click("[data-tiling=beside]").await;
    browser.wait("document.querySelectorAll('.tile .screen').length === 2").await;
    let names = "[...document.querySelectorAll('.tile-name')].map((e) => e.selectedOptions[0].textContent).join()";
    assert_eq!(browser.look(names).await, "vm1,host");
    browser.look("document.querySelectorAll('.tile .command')[1].focus()").await;
    browser.wait("document.querySelectorAll('.tile')[1].matches('.front')").await;
    browser.click("#tiling").await;
    browser.click("[data-tiling=one]").await;
    browser.wait("document.querySelectorAll('.tile').length === 1").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn an_address_that_is_pointed_at_is_marked_wherever_it_is_named() {
    let (_site, browser) = page().await;
    browser.run("dhclient -v enp0s3").await;
    browser.look("document.querySelector('.typed input.command').focus()").await;
    press(&browser, "ArrowUp", "ArrowUp", "altKey: true,").await;
    browser.wait("document.activeElement.matches('.lines .word, .lines .at')").await;
    browser
        .look(
            "[...document.querySelectorAll('.lines [data-at]')].find((e) => e.dataset.at.startsWith('10.0.2.15')).focus()",
        )
        .await;
    browser.wait("document.querySelectorAll('.lines .lit').length >= 2").await;
    press(&browser, "Enter", "Enter", "").await;
    browser.wait("document.querySelector('.word-box .whose').textContent.includes('enp0s3')").await;
    press(&browser, "Escape", "Escape", "").await;
    browser.wait("document.activeElement.matches('.command')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn panes_are_moved_filled_and_folded_by_the_keyboard() {
    let (_site, browser) = page().await;
    let height = "Math.round(document.querySelector('.lower').getBoundingClientRect().height)";
    let before = browser.look(height).await.as_f64().unwrap();
    browser.look("document.querySelector('.split-lower').focus()").await;
    press(&browser, "ArrowUp", "ArrowUp", "").await;
    browser.wait(&format!("{height} > {before}")).await;
    press(&browser, "Enter", "Enter", "").await;
    browser.wait(&format!("{height} === {before}")).await;

    browser.look("document.querySelector('.typed input.command').focus()").await;
    press(&browser, "KeyM", "m", "altKey: true,").await;
    browser.wait("document.querySelector('.app').dataset.whole === 'terminal'").await;
    browser.wait("document.querySelector('.look').getBoundingClientRect().width === 0").await;
    press(&browser, "KeyM", "m", "altKey: true,").await;
    browser.wait("document.querySelector('.look').getBoundingClientRect().width > 300").await;

    press(&browser, "F6", "F6", "").await;
    browser.wait("document.activeElement.closest('.look')").await;
    browser.look("document.activeElement.blur()").await;
    browser.look("document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '?', code: 'Slash', shiftKey: true, bubbles: true, cancelable: true }))").await;
    browser.wait("document.querySelector('dialog#help[open] .keys')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn on_a_phone_every_part_is_one_touch_away() {
    let (_site, browser) = page().await;
    browser.resize(390, 844);
    browser.wait("window.innerWidth === 390").await;
    for (pane, part) in [("terminal", ".term"), ("look", ".look"), ("stage", ".stage")] {
        browser.click(&format!(".phone-bar [data-pane={pane}]")).await;
        let height = format!("document.querySelector('{part}').getBoundingClientRect().height");
        browser.wait(&format!("{height} > 250")).await;
        assert_eq!(browser.look("document.documentElement.scrollWidth").await, 390, "{pane}");
    }
    browser.click("#top-more").await;
    browser.wait("document.querySelector('#top-more + .drop-list').getBoundingClientRect().right <= 390").await;
    browser.assert_console_clean();
}

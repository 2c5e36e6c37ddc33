//! Looking at frames: a filter mended, fields and bytes, a packet followed through NAT, an exchange as a ladder.

use netmodes_tests::browser::Browser;
use netmodes_tests::site::SiteServer;

async fn page() -> (SiteServer, Browser) {
    let site = SiteServer::start(netmodes_tests::paths::site(), &[]);
    let browser = Browser::start().await;
    browser.open(&site.url("")).await;
    browser.wait("document.querySelector('.typed .prompt')").await;
    browser.run("dhclient enp0s3").await;
    browser.wait("document.querySelectorAll('.rows .row').length > 3").await;
    (site, browser)
}

#[tokio::test]
async fn a_wrong_filter_says_where_and_is_mended_with_one_click() {
    let (_site, browser) = page().await;
    browser.keys("input.filter", "dchp").await;
    let words = browser.wait("document.querySelector('.filter-error')?.innerText").await;
    assert!(words.as_str().unwrap().contains("Did you mean dhcp?"), "{words}");
    assert_eq!(browser.look("document.querySelector('.filter-error mark').textContent").await, "dchp");
    browser.click(".filter-error button").await;
    browser
        .wait("document.querySelector('input.filter').value === 'dhcp' && !document.querySelector('.filter-error')")
        .await;
    browser
        .wait("[...document.querySelectorAll('.rows .row .chip')].every((chip) => chip.textContent === 'DHCP')")
        .await;
    browser.wait("/^4 of [0-9]+ frames/.test(document.querySelector('.filter-count').textContent)").await;
    // Names are offered while one types.
    browser.keys("input.filter", " && ip.s").await;
    browser.wait("document.querySelector('.filter-offers li')?.textContent.startsWith('ip.src')").await;
    browser.keys("input.filter", "\u{e015}\u{e007}").await;
    browser.wait("document.querySelector('input.filter').value === 'dhcp && ip.src'").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn a_field_lights_its_bytes_and_a_byte_its_field() {
    let (_site, browser) = page().await;
    browser.keys("input.filter", "dhcp").await;
    browser.click(".rows .row").await;
    browser.wait("document.querySelector('.detail .field-line')").await;
    browser.look("document.querySelector('.field-line[title=\"eth.src\"]').focus()").await;
    let lit = "[...document.querySelectorAll('.dump .hex .lit')].map((byte) => byte.dataset.at).join(' ')";
    browser.wait(&format!("{lit} === '6 7 8 9 10 11'")).await;
    browser.look("document.querySelector('.dump').focus()").await;
    browser.keys(".dump", "\u{e014}").await;
    browser.wait("document.querySelector('.field.lit .field-line')?.title === 'eth.dst'").await;
    // A field makes a filter.
    browser.look("document.querySelector('.field-line[title=\"dhcp.type\"]').click()").await;
    browser.wait("document.querySelector('.field .explain .choice')").await;
    browser.look("document.querySelector('.field .explain .choice').click()").await;
    browser.wait("document.querySelector('input.filter').value.startsWith('dhcp.type == ')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn a_ping_is_followed_through_nat_to_its_answer() {
    let (_site, browser) = page().await;
    browser.run("ping -c 1 8.8.8.8").await;
    browser.keys("input.filter", "icmp && nm.from == \"vm1\"").await;
    browser.wait("document.querySelectorAll('.rows .row').length === 1").await;
    browser.click(".rows .row").await;
    let way = browser.wait("document.querySelector('.detail .way')?.innerText").await;
    for text in [
        "vm1 enp0s3 → NAT",
        "10.0.2.15",
        "192.168.0.111",
        "203.0.113.10",
        "dns-google",
        "Source rewritten",
        "Answered here",
    ] {
        assert!(way.as_str().unwrap().contains(text), "{text} is missing: {way}");
    }
    // Two NATs in a row: the engine's and the office router's.
    assert_eq!(browser.look("document.querySelectorAll('.detail .diff').length").await, 2);
    browser.look("[...document.querySelectorAll('.way-links button')].pop().click()").await;
    browser.wait("document.querySelector('.detail-head').textContent.includes('echo reply')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn an_address_is_handed_out_as_a_ladder() {
    let (_site, browser) = page().await;
    browser.look("document.getElementById('look-tab-ladder').click()").await;
    let dhcp =
        "[...document.querySelectorAll('.ladder-list button')].find((item) => item.textContent.includes('DHCP'))";
    browser.wait(&format!("{dhcp} && ({dhcp}.click(), true)")).await;
    let arrows = "[...document.querySelectorAll('.ladder .arrow')].map((arrow) => arrow.getAttribute('aria-label'))";
    browser.wait(&format!("{arrows}.length === 4")).await;
    let labels = browser.look(arrows).await;
    for (at, text) in
        ["vm1 → NAT: DHCP DISCOVER", "NAT → vm1: DHCP OFFER", "vm1 → NAT: DHCP REQUEST", "NAT → vm1: DHCP ACK"]
            .iter()
            .enumerate()
    {
        assert!(labels[at].as_str().unwrap().contains(text), "{text} is missing: {labels}");
    }
    browser.look("document.querySelector('.ladder .arrow').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))").await;
    browser.wait("document.querySelector('.ladder .arrow').getAttribute('aria-pressed') === 'true'").await;
    browser.assert_console_clean();
}

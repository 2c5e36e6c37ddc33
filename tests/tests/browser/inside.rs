//! Looking inside: which route, TCP's diagram, who reaches whom, why.

use netmodes_tests::browser::Browser;
use netmodes_tests::paths;
use netmodes_tests::site::SiteServer;

/// The page with a lab.
async fn page(lab: &str) -> (SiteServer, Browser) {
    let site = SiteServer::start(paths::site(), &[]);
    let browser = Browser::start().await;
    browser.open(&site.url("")).await;
    browser.wait("document.querySelector('.typed .prompt')").await;
    if lab != "nat" {
        browser.lab(lab).await;
    }
    (site, browser)
}

async fn tab(browser: &Browser, key: &str) {
    browser.click(&format!("#look-tab-{key}")).await;
}

#[tokio::test]
async fn a_student_asks_which_route_a_packet_takes_and_sees_the_lease_run() {
    let (_site, browser) = page("nat").await;
    tab(&browser, "tables").await;
    browser.wait("document.querySelector('[data-table=t-routes]').innerText.includes('No routes yet')").await;
    browser.run("dhclient enp0s3").await;
    browser.keys("#which-route", "8.8.8.8").await;
    browser
        .wait("document.querySelector('[data-table=t-routes] tr.sel').innerText.startsWith('default via 10.0.2.1')")
        .await;
    browser.wait("document.getElementById('which-answer').innerText.includes('gateway 10.0.2.1')").await;
    browser.keys("#which-route", "\u{e003}".repeat(8).as_str()).await;
    browser.keys("#which-route", "10.0.2.99").await;
    browser.wait("document.querySelector('[data-table=t-routes] tr.sel').innerText.startsWith('10.0.2.0/24')").await;
    browser.wait("document.getElementById('which-answer').innerText.includes('longest prefix: /24')").await;
    // The client's state machine stands at BOUND, and its clock has its marks.
    browser.wait("document.querySelector('.client-state.now').dataset.state === 'BOUND'").await;
    let marks =
        browser.look("[...document.querySelectorAll('.lease-mark text')].map((t) => t.textContent).join()").await;
    assert_eq!(marks, "T1,T2");
    browser.assert_console_clean();
}

#[tokio::test]
async fn a_connection_walks_the_diagram_and_shows_its_frames() {
    let (_site, browser) = page("nat").await;
    browser.run("dhclient enp0s3").await;
    browser.run("curl -s -o page http://93.184.215.14/").await;
    tab(&browser, "sockets").await;
    browser.click("#sockets-diagram").await;
    // Who closed first waits: curl's machine or the server; all machines are shown.
    browser.look("[...document.querySelectorAll('.sockets .chooser .choice')].at(-1).click()").await;
    let waiting = "document.querySelector('.token.tcp[aria-label^=TIME-WAIT]')";
    browser.wait(waiting).await;
    browser.look(&format!("{waiting}.click()")).await;
    browser.wait("document.querySelector('.told').innerText.includes('TIME-WAIT') && /free again in \\d+ s/.test(document.querySelector('.told').innerText)").await;
    browser.click(".show-frames").await;
    browser.wait("document.getElementById('look-tab-frames').getAttribute('aria-selected') === 'true'").await;
    browser.wait("document.querySelectorAll('.rows .row').length > 4 && [...document.querySelectorAll('.rows .row')].every((row) => /TCP|HTTP/.test(row.innerText))").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn who_reaches_whom_is_guessed_revealed_and_proved() {
    let (_site, browser) = page("nat").await;
    browser.run("dhclient enp0s3").await;
    tab(&browser, "reach").await;
    // Three machines will do.
    browser
        .look("[...document.querySelectorAll('.reach .chooser .choice')].filter((b) => b.getAttribute('aria-pressed') === 'true' && !['vm1', 'host', 'pc'].includes(b.innerText)).forEach((b) => b.click())")
        .await;
    for _ in 0..8 {
        browser.look("[...document.querySelectorAll('.reach .chooser .choice[aria-pressed=true]')].find((b) => !['vm1', 'host', 'pc'].includes(b.innerText))?.click()").await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let cell = |pair: &str| format!("document.querySelector('.cell[aria-label^=\"{pair}\"]')");
    browser.wait("document.querySelectorAll('.cell').length === 6").await;
    browser.look(&format!("{}.click()", cell("vm1 → pc"))).await;
    browser.wait(&format!("{}.matches('.guess.yes')", cell("vm1 → pc"))).await;
    browser.look(&format!("{}.click()", cell("pc → vm1"))).await;
    browser.wait(&format!("{}.matches('.guess.yes')", cell("pc → vm1"))).await;
    browser.click(".reach-bar .btn.p").await;
    browser.wait(&format!("{}.matches('.yes.right')", cell("vm1 → pc"))).await;
    browser.wait(&format!("{}.matches('.no.wrong')", cell("pc → vm1"))).await;
    browser.wait("document.querySelector('.reach-bar b').innerText.startsWith('1 of 2')").await;
    browser.look(&format!("{}.click()", cell("pc → vm1"))).await;
    browser.wait("document.querySelector('.reach-proof .bad') && document.querySelectorAll('.reach-proof .proof li').length > 2").await;
    // A change of the lab makes it old.
    browser.run("ip link set enp0s3 down").await;
    browser.wait("document.querySelector('.reach-bar .warn')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn a_failed_ping_is_explained_down_to_its_first_cause() {
    let (_site, browser) = page("notattached").await;
    browser.run("ping -c 1 8.8.8.8").await;
    tab(&browser, "why").await;
    browser.click(".why .chooser .choice").await;
    browser.wait("document.querySelector('.why-cause').innerText.includes('is not attached')").await;
    browser.wait("document.querySelectorAll('.why-chain li').length === 4").await;
    browser.click(".seg button[lang=ru]").await;
    browser.wait("document.querySelector('.why-cause').innerText.includes('не подключена')").await;
    browser.look("[...document.querySelectorAll('.why-look button')][0].click()").await;
    browser.wait("document.getElementById('look-tab-tables').getAttribute('aria-selected') === 'true'").await;
    browser.assert_console_clean();
}

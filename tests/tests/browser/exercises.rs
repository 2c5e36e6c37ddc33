//! Exercises, played as a student would: a mode changed and found out about, header tables filled in under cover, the
//! messages of DHCP put in order.

use netmodes_tests::browser::Browser;
use netmodes_tests::paths;
use netmodes_tests::site::SiteServer;

/// The page with an exercise opened from the list.
async fn open(id: &str) -> (SiteServer, Browser) {
    let site = SiteServer::start(paths::site(), &[]);
    let browser = Browser::start().await;
    browser.open(&site.url("")).await;
    browser.wait("document.querySelector('.typed .prompt')").await;
    browser.wait(&format!("document.querySelector('[data-exercise={id}]')")).await;
    browser.click(&format!("[data-exercise={id}]")).await;
    browser.wait("document.querySelectorAll('.goals .goal').length > 0").await;
    browser.wait("document.querySelectorAll('.goals .goal.ok').length === 0").await;
    (site, browser)
}

/// A goal is reached.
async fn reached(browser: &Browser, goal: &str) {
    browser.wait(&format!("document.querySelector('.goal.ok[data-goal={goal}]')")).await;
}

/// Another machine's terminal to the front.
async fn at(browser: &Browser, machine: &str) {
    let tab = format!(
        "[...document.querySelectorAll('.term [role=tab]')].find((tab) => tab.textContent.trim() === '{machine}')"
    );
    browser.wait(&format!("{tab} && ({tab}.click(), true)")).await;
    browser.wait(&format!("document.querySelector('.typed .prompt').textContent.includes('@{machine}:')")).await;
}

/// One of several is chosen, and the form sent.
async fn choose(browser: &Browser, choice: &str) {
    let input = format!(".goal.now input[value={choice}]");
    browser.wait(&format!("document.querySelector('{input}')")).await;
    browser.click(&input).await;
    browser.wait("!document.querySelector('.goal.now form button[type=submit]').disabled").await;
    browser.click(".goal.now form button[type=submit]").await;
}

/// An answer is typed into a goal's line.
async fn answer(browser: &Browser, goal: &str, text: &str) {
    let input = format!(".goal.now[data-goal={goal}] form input");
    browser.wait(&format!("document.querySelector('{input}')")).await;
    browser.keys(&input, text).await;
    browser.click(".goal.now form button[type=submit]").await;
}

/// Cells of a table are filled in.
async fn fill(browser: &Browser, cells: &[(&str, &str)]) {
    for (cell, text) in cells {
        let input = format!("[data-cell=\"{cell}\"]");
        browser.look(&format!("document.querySelector('{input}').select()")).await;
        browser.keys(&input, text).await;
    }
    browser.click(".goal.now form button[type=submit]").await;
}

#[tokio::test]
async fn a_student_brings_a_machine_into_the_office_and_finds_out_what_the_office_sees() {
    let (_site, browser) = open("bridged").await;
    browser.wait("document.querySelector('.pill.lab')").await;
    // The hypervisor's own command line is one of the ways.
    at(&browser, "host").await;
    browser.run("VBoxManage controlvm vm1 nic1 bridged eth0").await;
    at(&browser, "vm1").await;
    browser.run("dhclient -v enp0s3").await;
    reached(&browser, "attach").await;
    answer(&browser, "server", "192.168.0.1").await;
    browser.wait("document.querySelector('.goal.now .wrong')").await;
    browser.look("document.querySelector('.goal.now form input').select()").await;
    answer(&browser, "server", "192.168.0.10").await;
    reached(&browser, "server").await;
    choose(&browser, "host").await;
    reached(&browser, "guess").await;
    at(&browser, "pc").await;
    browser.run("ping -c 1 192.168.0.120").await;
    reached(&browser, "reach").await;
    answer(&browser, "mac", "08-00-27-A1-B2-C3").await;
    reached(&browser, "mac").await;
    browser.wait("document.querySelector('[data-goal=guess] .guess.no')").await;
    choose(&browser, "host").await;
    reached(&browser, "port").await;
    browser.wait("document.querySelector('.ex-solved') && document.querySelector('.ex-next')").await;

    // Solved stays solved, in the list and after the page was opened again.
    browser.click(".ex-back").await;
    browser.wait("document.querySelector('.ex-entry.ok[data-exercise=bridged]')").await;
    browser.look("location.reload()").await;
    browser.wait("document.querySelector('.ex-entry.ok[data-exercise=bridged]')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn header_tables_are_filled_in_before_the_frames_may_be_opened() {
    let (_site, browser) = open("header-tables").await;
    browser.run("dhclient enp0s3").await;
    reached(&browser, "lease").await;
    browser.run("ping -c 1 8.8.8.8").await;
    reached(&browser, "ping").await;

    // The frames are there, but covered, in the list as well as opened.
    let row = "[...document.querySelectorAll('.rows .row')].find((row) => row.querySelector('.where').textContent === 'vm1 → NAT' && row.textContent.includes('ICMP') && !row.textContent.includes('ICMPv6'))";
    browser.wait(&format!("(document.querySelector('.rows').scrollTop = 0, {row} !== undefined)")).await;
    browser.look(&format!("{row}.click()")).await;
    browser.wait("document.querySelector('.detail .covered') && !document.querySelector('.detail .layers')").await;
    let list = browser.look(&format!("{row}.textContent")).await;
    assert!(!list.as_str().unwrap().contains("8.8.8.8"), "{list}");

    fill(
        &browser,
        &[
            ("eth-src.inside", "08:00:27:a1:b2:c3"),
            ("eth-dst.inside", "02:4e:4d:00:01:11"),
            ("ip-src.inside", "10.0.2.15"),
            ("ip-dst.inside", "10.0.2.1"),
            ("eth-src.outside", "02:4e:4d:00:01:11"),
            ("eth-dst.outside", "02:4e:4d:00:00:01"),
            ("ip-src.outside", "192.168.0.111"),
            ("ip-dst.outside", "8.8.8.8"),
        ],
    )
    .await;
    browser.wait("document.querySelectorAll('.ex-cell.ok').length === 6").await;
    browser.wait("document.querySelectorAll('.ex-wrongs li').length === 2").await;
    browser.wait("document.querySelector('.detail .covered')").await;
    fill(&browser, &[("eth-dst.inside", "52:54:00:12:35:02"), ("ip-dst.inside", "8.8.8.8")]).await;
    reached(&browser, "tables").await;
    browser.wait("document.querySelector('.detail .layers') && !document.querySelector('.detail .covered')").await;
    answer(&browser, "ttl", "63").await;
    reached(&browser, "ttl").await;
    browser.wait("document.querySelector('.ex-solved')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn dora_is_put_in_order_guessed_first_and_told_after() {
    let (_site, browser) = open("dora").await;
    let order = "[...document.querySelectorAll('.ex-order li')].map((item) => item.dataset.item).join(' ')";
    browser.wait(&format!("{order} === 'offer ack request discover'")).await;
    // Only Discover is put to its place: by the keyboard, as by the mouse, with the item's own buttons.
    for _ in 0..3 {
        browser.click("[data-item=discover] .up").await;
    }
    browser.wait(&format!("{order} === 'discover offer ack request'")).await;
    browser.click(".goal.now form button[type=submit]").await;
    reached(&browser, "order").await;
    browser.wait("!document.querySelector('[data-goal=order] .guess.no')").await;
    browser.run("dhclient -v enp0s3").await;
    reached(&browser, "lease").await;
    browser.wait("document.querySelector('[data-goal=order] .guess.no')").await;
    answer(&browser, "server", "192.168.0.10").await;
    reached(&browser, "server").await;
    choose(&browser, "first").await;
    browser.wait("document.querySelector('.goal.now .wrong')").await;
    browser.click(".goal.now button.hint").await;
    browser.wait("document.querySelectorAll('.goal.now .hints li').length === 1").await;
    choose(&browser, "client").await;
    reached(&browser, "everybody").await;
    answer(&browser, "source", "0.0.0.0").await;
    answer(&browser, "time", "604800").await;
    choose(&browser, "ack").await;
    browser.wait("document.querySelector('.ex-solved')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn another_lab_is_said_to_be_another_and_the_way_back_is_one_click() {
    let (_site, browser) = open("not-attached").await;
    choose(&browser, "works").await;
    reached(&browser, "guess").await;
    browser.lab("bridged").await;
    browser.wait("document.querySelector('.ex-away')").await;
    browser.click(".ex-away .btn.p").await;
    browser.wait("!document.querySelector('.ex-away') && document.querySelectorAll('.goals .goal').length > 0").await;
    browser.assert_console_clean();
}

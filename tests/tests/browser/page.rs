//! The page alone, its world in the browser's worker.

use netmodes_tests::browser::{Browser, ENTER};
use netmodes_tests::paths;
use netmodes_tests::site::SiteServer;

/// The page, opened and ready to be typed into.
async fn page() -> (SiteServer, Browser) {
    let site = SiteServer::start(paths::site(), &[]);
    let browser = Browser::start().await;
    browser.open(&site.url("")).await;
    browser.wait("document.querySelector('.typed .prompt')").await;
    browser.wait("document.querySelector('[data-exercise=who-does-8888-see]')").await;
    (site, browser)
}

/// Answers the question of the goal that is open now.
async fn answer(browser: &Browser, goal: usize, text: &str) {
    let now = format!("document.querySelectorAll('.goals .goal')[{goal}].matches('.now')");
    browser.wait(&format!("{now} && document.querySelector('.goal.now form input')")).await;
    browser.keys(".goal.now form input", &format!("{text}{ENTER}")).await;
}

async fn wait_for_goals(browser: &Browser, done: usize) {
    browser.wait(&format!("document.querySelectorAll('.goals .goal.ok').length === {done}")).await;
}

#[tokio::test]
async fn a_student_gets_a_lease_pings_opens_a_frame_and_solves_the_exercise() {
    let (_site, browser) = page().await;
    browser.click("[data-exercise=who-does-8888-see]").await;
    browser.wait("document.querySelectorAll('.goals .goal').length > 0").await;
    wait_for_goals(&browser, 0).await;
    browser.run("dhclient -v enp0s3").await;
    let terminal = browser.terminal().await;
    assert!(terminal.contains("DHCPACK of 10.0.2.15 from 10.0.2.1"), "{terminal}");
    wait_for_goals(&browser, 1).await;
    answer(&browser, 1, "10.0.2.15").await;
    browser.wait("document.querySelector('.goal.now .wrong')").await;
    browser.keys(".goal.now form input", "\u{e003}".repeat(20).as_str()).await;
    answer(&browser, 1, "10.0.2.1").await;
    wait_for_goals(&browser, 2).await;

    browser.run("ping -c 2 8.8.8.8").await;
    let terminal = browser.terminal().await;
    assert!(terminal.contains("64 bytes from 8.8.8.8: icmp_seq=2 ttl=58 time="), "{terminal}");
    assert!(terminal.contains("2 packets transmitted, 2 received, 0% packet loss"), "{terminal}");
    wait_for_goals(&browser, 3).await;

    // The list of frames: filtered, one opened, with the headers before and after the NAT side by side.
    browser.wait("document.querySelectorAll('.rows .row').length > 5").await;
    browser.keys("input.filter", "icmp").await;
    browser
        .wait("[...document.querySelectorAll('.rows .row .what')].every((row) => row.textContent.includes('echo'))")
        .await;
    let row = "[...document.querySelectorAll('.rows .row')].find((row) => row.querySelector('.where').textContent === 'vm1 → NAT')";
    // The list shows its newest rows; the first are at its top.
    browser.wait(&format!("(document.querySelector('.rows').scrollTop = 0, {row} !== undefined)")).await;
    browser.look(&format!("{row}.click()")).await;
    let diff = browser.wait("document.querySelector('.detail .diff')?.innerText").await;
    for text in ["10.0.2.15", "192.168.0.111", "08:00:27:a1:b2:c3", "02:4e:4d:00:01:11", "8.8.8.8"] {
        assert!(diff.as_str().unwrap().contains(text), "{text} is missing: {diff}");
    }

    answer(&browser, 3, "192.168.0.111").await;
    wait_for_goals(&browser, 4).await;
    answer(&browser, 4, "203.0.113.10").await;
    wait_for_goals(&browser, 5).await;
    browser.wait("document.querySelector('.ex .done section')").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn the_page_speaks_both_languages_and_has_a_dark_look() {
    let (_site, browser) = page().await;
    browser.click("[data-exercise=who-does-8888-see]").await;
    browser.wait("document.querySelectorAll('.goals .goal').length > 0").await;
    let english = browser.look("document.body.innerText").await;
    browser.click(".seg button[lang=ru]").await;
    browser
        .wait("document.documentElement.lang === 'ru' && /[а-я]{5}/i.test(document.querySelector('.look').innerText)")
        .await;
    browser.wait("/[а-я]{5}/i.test(document.querySelector('.ex h2').innerText)").await;
    let russian = browser.look("document.querySelector('.ex').innerText").await;
    assert!(!russian.as_str().unwrap().contains("goal."), "a text is missing: {russian}");
    browser.click(".seg button[lang=en]").await;
    browser
        .wait("document.documentElement.lang === 'en' && !/[а-я]{5}/i.test(document.querySelector('.ex').innerText)")
        .await;
    let again = browser.look("document.body.innerText").await;
    assert_eq!(english.as_str().unwrap().lines().count(), again.as_str().unwrap().lines().count());

    let light =
        "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number).reduce((a, b) => a + b) / 3";
    let before = browser.look(light).await.as_f64().unwrap();
    for _ in 0..3 {
        if browser.look("document.documentElement.dataset.theme === 'dark'").await == true {
            break;
        }
        browser.look("document.querySelector('header button[title^=\"Theme\"], header button[title^=\"Look\"], header .spring ~ button.icon').click()").await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    browser.wait("document.documentElement.dataset.theme === 'dark'").await;
    let after = browser.look(light).await.as_f64().unwrap();
    assert!(after < 64.0 && before > 192.0, "light {before}, dark {after}");
    browser.open(browser.client.current_url().await.unwrap().as_str()).await;
    browser.wait("document.documentElement.dataset.theme === 'dark'").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn on_a_phone_nothing_is_wider_than_the_screen() {
    let (_site, browser) = page().await;
    browser.resize(390, 844);
    browser.wait("window.innerWidth === 390").await;
    browser.run("dhclient enp0s3").await;
    let wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    let culprits = "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > 391)
        .slice(0, 8).map((e) => e.tagName + '.' + e.className + ' ' + e.getBoundingClientRect().right)";
    for tab in ["frames", "tables", "sockets"] {
        browser.look(&format!("document.getElementById('look-tab-{tab}').click()")).await;
        browser
            .wait(&format!(
                "document.getElementById('look-panel').getAttribute('aria-labelledby') === 'look-tab-{tab}'"
            ))
            .await;
        let over = browser.look(wide).await;
        assert_eq!(over, 0, "{tab}: {}", browser.look(culprits).await);
    }
    browser.assert_console_clean();
}

#[tokio::test]
async fn the_terminal_completes_remembers_and_interrupts() {
    let (_site, browser) = page().await;
    browser.keys(".typed input.command", "dhcl\u{e004}").await;
    browser.wait("document.querySelector('.typed input.command').value === 'dhclient '").await;
    browser.keys(".typed input.command", &format!("enp0s3{ENTER}")).await;
    browser.wait("document.querySelectorAll('.lines .line .prompt').length === 1 && document.querySelector('.typed .prompt')").await;
    browser.keys(".typed input.command", "\u{e013}").await;
    browser.wait("document.querySelector('.typed input.command').value === 'dhclient enp0s3'").await;
    browser.keys(".typed input.command", "\u{e015}").await;
    browser.keys(".typed input.command", &format!("ping 8.8.8.8{ENTER}")).await;
    browser.wait("document.querySelector('.lines').textContent.includes('icmp_seq=1')").await;
    browser.click(".typed .interrupt").await;
    browser.wait("document.querySelector('.lines').textContent.includes('packets transmitted')").await;
    browser.wait("document.querySelector('.typed .prompt')").await;
    browser.run("ipconfig").await;
    assert!(browser.terminal().await.contains("command not found"), "{}", browser.terminal().await);
    browser.assert_console_clean();
}

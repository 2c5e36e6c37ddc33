//! Changing things in place: what a student makes works at once.

use netmodes_tests::browser::Browser;
use netmodes_tests::paths;
use netmodes_tests::site::SiteServer;

async fn page(lab: &str) -> (SiteServer, Browser) {
    let site = SiteServer::start(paths::site(), &[]);
    let browser = Browser::start().await;
    browser.open(&site.url("")).await;
    browser.wait("document.querySelector('.typed .prompt')").await;
    browser.lab(lab).await;
    (site, browser)
}

/// Types over what stands in a field.
async fn fill(browser: &Browser, field: &str, text: &str) {
    let css = format!("#edit-{field}");
    browser.wait(&format!("document.querySelector('{css}')")).await;
    browser
        .look(&format!("(() => {{ const field = document.querySelector('{css}'); field.select(); return true; }})()"))
        .await;
    browser.keys(&css, text).await;
}

/// Presses the sheet's button or item that begins with these words.
async fn press(browser: &Browser, words: &str) {
    let button = format!(
        "[...document.querySelectorAll('.edit button')].find((b) => b.innerText.trim().startsWith('{words}') && !b.disabled)"
    );
    browser.wait(&format!("{button} !== undefined")).await;
    browser.look(&format!("({button}.click(), true)")).await;
}

async fn title(browser: &Browser, words: &str) {
    browser.wait(&format!("document.querySelector('#edit-title')?.innerText.includes('{words}')")).await;
}

async fn terminal_of(browser: &Browser, machine: &str) {
    let tab = format!(
        "[...document.querySelectorAll('.term [role=tab]')].find((tab) => tab.innerText.includes('{machine}'))"
    );
    browser.wait(&format!("{tab} !== undefined")).await;
    browser.look(&format!("({tab}.click(), true)")).await;
    browser.wait(&format!("document.querySelector('.typed .prompt')?.textContent.includes('{machine}')")).await;
}

#[tokio::test]
async fn a_student_adds_a_vm_that_gets_a_lease_and_forwards_a_port_to_a_web_server() {
    let (_site, browser) = page("port-forward").await;
    browser.click("#edit-lab").await;
    press(&browser, "Add a VM").await;
    title(&browser, "New virtual machine").await;
    fill(&browser, "name", "box").await;
    press(&browser, "Add the VM").await;
    title(&browser, "Virtual machine box").await;
    terminal_of(&browser, "box").await;
    browser.run("dhclient -v enp0s3").await;
    let terminal = browser.terminal().await;
    assert!(terminal.contains("DHCPACK of 10.0.2.15"), "{terminal}");

    // The web server of the first VM is reached from the host when a port leads to it.
    press(&browser, "Back").await;
    press(&browser, "vm1").await;
    press(&browser, "Adapter 1").await;
    title(&browser, "Card 1 of vm1").await;
    press(&browser, "Add a port forward").await;
    fill(&browser, "host-port", "80").await;
    browser.wait("document.querySelector('#edit-host-port-wrong')?.innerText.includes('1024')").await;
    assert_eq!(browser.look("document.querySelector('.edit-apply .btn').disabled").await, true);
    fill(&browser, "name", "mine").await;
    fill(&browser, "host-port", "8123").await;
    press(&browser, "Add the port forward").await;
    title(&browser, "Card 1 of vm1").await;
    browser.wait("document.querySelector('.edit').innerText.includes('the host listens')").await;
    terminal_of(&browser, "vm1").await;
    browser.run("dhclient enp0s3").await;
    terminal_of(&browser, "host").await;
    browser.run("curl -s -m 5 http://127.0.0.1:8123/").await;
    let terminal = browser.terminal().await;
    assert!(terminal.contains("A page of vm1."), "{terminal}");

    // Escape leads back to where one was, and the keyboard with it.
    for _ in 0..3 {
        browser.keys("#edit-title", "\u{e00c}").await;
    }
    browser.wait("document.querySelector('.edit') === null && document.activeElement.id === 'edit-lab'").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn a_changed_scope_gives_a_client_an_address_of_the_new_pool() {
    let (_site, browser) = page("bridged").await;
    browser.run("dhclient -v enp0s3").await;
    browser.click("#edit-lab").await;
    press(&browser, "dhcp-server").await;
    press(&browser, "192.168.0.").await;
    title(&browser, "DHCP scope of dhcp-server").await;
    fill(&browser, "first", "10.0.0.1").await;
    browser.wait("document.querySelector('#edit-first-wrong')?.innerText.includes('192.168.0.0/24')").await;
    fill(&browser, "first", "192.168.0.60").await;
    fill(&browser, "last", "192.168.0.69").await;
    press(&browser, "Apply").await;
    browser.wait("document.querySelector('.edit-through')").await;
    browser.run("dhclient -r enp0s3; dhclient -v enp0s3").await;
    let terminal = browser.terminal().await;
    assert!(terminal.contains("DHCPACK of 192.168.0.60 from"), "{terminal}");
    browser.assert_console_clean();
}

#[tokio::test]
async fn a_lossy_cable_loses_frames_and_says_so() {
    let (_site, browser) = page("bridged").await;
    browser.run("dhclient enp0s3").await;
    browser.click("#edit-lab").await;
    press(&browser, "pc eth0").await;
    title(&browser, "Cable").await;
    fill(&browser, "loss", "20").await;
    let line = browser.look("document.querySelector('.edit-terminal code').textContent").await;
    assert!(line.as_str().unwrap().contains("loss 20%"), "{line}");
    press(&browser, "Apply").await;
    browser
        .wait("document.querySelector('.edit-through') && document.querySelector('#edit-loss').value === '20'")
        .await;
    browser.run("ping -c 30 -i 0.1 192.168.0.50").await;
    let terminal = browser.terminal().await;
    assert!(!terminal.contains(" 0% packet loss") && terminal.contains("% packet loss"), "{terminal}");
    // What is removed comes back by Undo: the sheet says so, and the key is the page's.
    browser.assert_console_clean();
}

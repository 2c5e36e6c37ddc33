//! A session that leaves the page and comes back: by link, by file; and what is refused.

use netmodes_core::protocol::{LabChoice, Session};
use netmodes_tests::browser::Browser;
use netmodes_tests::paths;
use netmodes_tests::site::SiteServer;

const PROMPT: &str = "document.querySelector('.typed .prompt')";
const REFUSED: &str = "document.querySelector('dialog.share[open] .share-bad')?.innerText";

async fn page(fragment: &str) -> (SiteServer, Browser) {
    let site = SiteServer::start(paths::site(), &[]);
    let browser = Browser::start().await;
    browser.open(&site.url(fragment)).await;
    browser.wait(PROMPT).await;
    (site, browser)
}

/// Drops a file on the page.
async fn drop_file(browser: &Browser, name: &str, text: &str) {
    let script = "
        const data = new DataTransfer();
        data.items.add(new File([arguments[1]], arguments[0]));
        document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }));";
    browser.client.execute(script, vec![name.into(), text.into()]).await.unwrap();
}

#[tokio::test]
async fn a_link_opened_in_another_browser_gives_the_same_state() {
    let (site, browser) = page("").await;
    browser.run("dhclient enp0s3").await;
    browser.run("ping -c 2 8.8.8.8").await;
    let terminal = browser.terminal().await;
    browser.click("#share-button").await;
    let link = browser.wait("document.querySelector('#share-url')?.value").await;
    let link = link.as_str().unwrap();
    assert!(link.starts_with(&site.url("#s=1.")), "{link}");
    assert!(!link.contains("token"), "{link}");
    browser.assert_console_clean();

    let other = Browser::start().await;
    other.open(link).await;
    other.wait("document.querySelector('.lines')?.textContent.includes('2 packets transmitted')").await;
    assert_eq!(other.terminal().await.trim(), terminal.trim());
    other.assert_console_clean();
}

#[tokio::test]
async fn damaged_and_older_links_and_foreign_files_are_refused_in_words_and_the_lab_goes_on() {
    let (_site, browser) = page("").await;
    browser.run("ip addr").await;
    let before = browser.terminal().await;
    browser.click("#share-button").await;
    let link = browser.wait("document.querySelector('#share-url')?.value").await;
    let (address, text) = link.as_str().unwrap().split_once("#s=").unwrap();
    let cut = &text[..text.len() - 3];
    let older = text.replacen("1.", "0.", 1);
    for (pasted, word) in
        [(format!("{address}#s={cut}"), "cut off"), (older, "version 0"), ("hello".to_owned(), "not a link")]
    {
        browser
            .client
            .execute("document.querySelector('#share-paste').value = arguments[0]", vec![pasted.into()])
            .await
            .unwrap();
        browser.click("#share-paste-open").await;
        browser.wait(&format!("{REFUSED}?.includes('{word}')")).await;
    }
    let lab = r#"{"format_version": 1, "name": "Bad Name", "title": {"en": "x"}, "cable": [{"a": "x", "b": "y"}]}"#;
    for (name, text, word) in [
        ("lab.toml", "x = 1", "netmodes lab convert"),
        ("x.json", "{", "line 1"),
        ("x.json", "{}", "neither"),
        ("lab.json", lab, "Bad Name"),
    ] {
        drop_file(&browser, name, text).await;
        browser.wait(&format!("{REFUSED}?.includes('{word}')")).await;
    }
    let faults = browser.look("document.querySelectorAll('dialog.share .share-bad li').length").await;
    assert!(faults.as_u64().unwrap() >= 2, "all faults of the lab are listed: {faults}");
    browser.click("dialog.share .share-head button").await;
    assert_eq!(browser.terminal().await, before);
    browser.run("ip link").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn a_damaged_link_in_the_address_is_said_and_the_page_is_usable() {
    let (_site, browser) = page("#s=1.abc").await;
    browser.wait(REFUSED).await;
    browser.click("dialog.share .share-head button").await;
    browser.run("ip link").await;
    browser.assert_console_clean();
}

#[tokio::test]
async fn a_session_s_file_and_a_lab_s_file_are_opened_by_dropping_them() {
    let (_site, browser) = page("").await;
    let lab = netmodes_tests::content::lab("hostonly");
    let session = Session {
        core: String::new(),
        lab: LabChoice::Named("hostonly".into()),
        lab_hash: lab.hash_hex(),
        seed: 1,
        inputs: Vec::new(),
    };
    let file = serde_json::json!({ "format": "netmodes-session", "format_version": 1, "session": session });
    drop_file(&browser, "x.netmodes.json", &file.to_string()).await;
    let title = format!("document.querySelector('header')?.innerText.includes({})", serde_json::json!(lab.title["en"]));
    browser.wait(&title).await;
    let lab = netmodes_tests::content::lab("bridged");
    drop_file(&browser, "lab.json", &lab.to_json()).await;
    browser
        .wait(&format!("document.querySelector('header')?.innerText.includes({})", serde_json::json!(lab.title["en"])))
        .await;
    browser.assert_console_clean();
}

//! axe-core over the main views, light and dark, desktop and phone.

use netmodes_tests::axe::violations;
use netmodes_tests::browser::Browser;
use netmodes_tests::paths;
use netmodes_tests::site::SiteServer;

/// A view, and what leads to it.
const VIEWS: [(&str, &str); 5] = [
    ("frames with details", "(document.querySelector('.rows .row')?.click(), true)"),
    ("tables", "(document.getElementById('look-tab-tables').click(), true)"),
    ("sockets", "(document.getElementById('look-tab-sockets').click(), true)"),
    ("help", "(document.getElementById('help-button').click(), true)"),
    (
        "share",
        "(document.getElementById('help-button').click(), document.getElementById('share-button').click(), true)",
    ),
];

#[tokio::test]
async fn axe_finds_nothing_serious_on_any_view() {
    let site = SiteServer::start(paths::site(), &[]);
    let browser = Browser::start().await;
    let mut found = Vec::new();
    for (theme, width, height) in [("light", 1280, 900), ("dark", 1280, 900), ("light", 390, 844)] {
        browser.resize(width, height);
        browser.open(&site.url("")).await;
        browser.look(&format!("(localStorage.setItem('netmodes.theme', '{theme}'), true)")).await;
        browser.client.refresh().await.unwrap();
        browser.wait("document.querySelector('.typed .prompt')").await;
        found.extend(named("start", theme, width, violations(&browser).await));
        browser.run("dhclient enp0s3").await;
        browser.wait("document.querySelectorAll('.rows .row').length > 3").await;
        for (view, open) in VIEWS {
            browser.look(open).await;
            tokio::time::sleep(std::time::Duration::from_millis(400)).await;
            found.extend(named(view, theme, width, violations(&browser).await));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

fn named(view: &str, theme: &str, width: u32, found: Vec<String>) -> Vec<String> {
    found.into_iter().map(|one| format!("{view}, {theme}, {width} pixels: {one}")).collect()
}

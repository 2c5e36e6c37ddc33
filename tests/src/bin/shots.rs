//! Pictures of the page's main views, for the README: `cargo xtask shots`. Each is the same every time: the lab is
//! deterministic, and motion is asked to be little.

use std::path::PathBuf;
use std::time::Duration;

use netmodes_tests::browser::Browser;
use netmodes_tests::paths;
use netmodes_tests::png;
use netmodes_tests::site::SiteServer;
use serde_json::json;

/// A picture: its name, language, theme, size, what is typed, and what is done then.
struct Shot {
    name: &'static str,
    lang: &'static str,
    theme: &'static str,
    size: (u32, u32),
    commands: &'static [&'static str],
    then: &'static [&'static str],
}

const DESKTOP: (u32, u32) = (1280, 800);
const PHONE: (u32, u32) = (390, 780);
const TRAFFIC: &[&str] = &["dhclient -v enp0s3", "ping -c 2 8.8.8.8"];
const FIRST_ICMP: &str =
    "[...document.querySelectorAll('.rows .row')].find((row) => row.textContent.includes('echo'))?.click()";

const SHOTS: [Shot; 6] = [
    Shot { name: "lab-light-en", lang: "en", theme: "light", size: DESKTOP, commands: TRAFFIC, then: &[FIRST_ICMP] },
    Shot { name: "lab-dark-en", lang: "en", theme: "dark", size: DESKTOP, commands: TRAFFIC, then: &[FIRST_ICMP] },
    Shot { name: "lab-light-ru", lang: "ru", theme: "light", size: DESKTOP, commands: TRAFFIC, then: &[FIRST_ICMP] },
    Shot {
        name: "tables-light-en",
        lang: "en",
        theme: "light",
        size: DESKTOP,
        commands: TRAFFIC,
        then: &["document.getElementById('look-tab-tables').click()"],
    },
    Shot {
        name: "sockets-dark-en",
        lang: "en",
        theme: "dark",
        size: DESKTOP,
        commands: &["dhclient enp0s3", "curl -s -o /dev/null http://example.com/", "ss -tan"],
        then: &["document.getElementById('look-tab-sockets').click()"],
    },
    Shot { name: "phone-light-en", lang: "en", theme: "light", size: PHONE, commands: TRAFFIC, then: &[] },
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let site = SiteServer::start(paths::site(), &[]);
    let folder: PathBuf = paths::root().join("docs/shots");
    std::fs::create_dir_all(&folder).expect("docs/shots can be made");
    for shot in SHOTS {
        let bytes = take(&site, &shot).await;
        let small = png::with_fewer_colours(&bytes).expect("Chromium's picture is read");
        let file = folder.join(format!("{}.png", shot.name));
        println!("{}: {} kB", file.display(), small.len() / 1000);
        std::fs::write(&file, small).expect("the picture is written");
    }
}

async fn take(site: &SiteServer, shot: &Shot) -> Vec<u8> {
    let browser = Browser::start().await;
    browser.resize(shot.size.0, shot.size.1);
    let calm = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
    browser.cdp("Emulation.setEmulatedMedia", &calm);
    let script = format!(
        "localStorage.setItem('netmodes.lang', '{}'); localStorage.setItem('netmodes.theme', '{}');",
        shot.lang, shot.theme
    );
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script }));
    browser.open(&site.url("")).await;
    for command in shot.commands {
        browser.run(command).await;
    }
    for action in shot.then {
        browser.look(&format!("({action}, true)")).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    browser.client.screenshot().await.expect("Chromium takes a picture")
}

//! The published page on a static host: in a folder, without a network, and when there is a new version.

use std::path::{Path, PathBuf};

use netmodes_tests::browser::Browser;
use netmodes_tests::paths;
use netmodes_tests::site::SiteServer;

const PROMPT: &str = "document.querySelector('.typed .prompt')";
const KEPT: &str = "navigator.serviceWorker.controller && navigator.serviceWorker.controller.state === 'activated'";

/// A copy of the published page in a folder below a temporary one, as a university's web server might have it.
struct Host(PathBuf);

impl Host {
    fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("netmodes-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&root));
        copy(&paths::published(), &root.join("foo/netmodes"));
        Self(root)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join("foo/netmodes").join(name)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[tokio::test]
async fn after_the_first_visit_the_page_works_without_a_network() {
    let host = Host::new("offline");
    let site = SiteServer::start(host.0.clone(), &[]);
    let browser = Browser::start().await;
    let url = site.url("foo/netmodes/");
    browser.open(&url).await;
    browser.wait(PROMPT).await;
    browser.run("dhclient enp0s3").await;
    browser.wait(KEPT).await;
    browser.assert_console_clean();
    drop(site);
    browser.open(&url).await;
    browser.wait(PROMPT).await;
    browser.run("ping -c 1 10.0.2.1").await;
    browser.click(".seg button[lang=ru]").await;
    browser
        .wait("document.documentElement.lang === 'ru' && /[а-я]{5}/i.test(document.querySelector('header').innerHTML)")
        .await;
}

#[tokio::test]
async fn a_new_version_waits_until_the_reader_wants_it() {
    let host = Host::new("update");
    let site = SiteServer::start(host.0.clone(), &[]);
    let browser = Browser::start().await;
    let url = site.url("foo/netmodes/");
    browser.open(&url).await;
    browser.wait(KEPT).await;
    // Another page and with it another version.
    let page = std::fs::read_to_string(host.file("index.html")).unwrap();
    std::fs::write(host.file("index.html"), page.replace("<html ", "<html data-new=\"yes\" ")).unwrap();
    let worker = std::fs::read_to_string(host.file("sw.js")).unwrap();
    std::fs::write(host.file("sw.js"), worker.replace("const VERSION = \"", "const VERSION = \"new")).unwrap();

    browser.open(&url).await;
    browser.wait(PROMPT).await;
    browser.wait("document.querySelector('#update-now')").await;
    assert_eq!(browser.look("document.documentElement.dataset.new ?? null").await, serde_json::Value::Null);
    browser.run("ip link").await;
    browser.click("#update-now").await;
    browser.wait("document.documentElement.dataset.new === 'yes'").await;
    browser.wait(PROMPT).await;
}

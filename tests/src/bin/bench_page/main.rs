//! How large and how quick the page is, in Chromium: `cargo xtask bench page`. Prints figures of this machine; nothing is
//! asserted, and no test runs it.

use std::time::Duration;

use netmodes_core::lab::Lab;
use netmodes_core::protocol::{LabChoice, Session};
use netmodes_core::share;
use netmodes_tests::browser::{Browser, ENTER};
use netmodes_tests::content;
use netmodes_tests::paths;
use netmodes_tests::site::{Sent, SiteServer};
use serde_json::{Value, json};

/// Starts of the page, of which the median is told.
const STARTS: usize = 5;
/// How much slower the page's thread is made, as DevTools do for a phone.
const SLOW_DOWN: u32 = 4;
const MACHINES: u8 = 40;
const PROMPT: &str = "document.querySelector('.typed .prompt')";

/// Notes when the first prompt stands, in milliseconds since the navigation began.
const NOTE_PROMPT: &str = "
const look = () => {
  if (document.querySelector('.typed .prompt')) window.firstPrompt = performance.now();
  else requestAnimationFrame(look);
};
requestAnimationFrame(look);";

/// Times between frames while something goes on, in milliseconds.
const FRAMES: &str = "
const [seconds, done] = arguments;
const times = [];
let last = performance.now();
const begun = last;
const next = (now) => {
  times.push(now - last);
  last = now;
  if (now - begun < seconds * 1000) requestAnimationFrame(next);
  else done(times.slice(5));
};
requestAnimationFrame(next);";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let site = SiteServer::start(paths::release(), &[]);
    first_view(&site).await;
    starts(&site).await;
    marks(&site).await;
    forty(&site).await;
    hour(&site).await;
}

async fn open(site: &SiteServer, path: &str) -> Browser {
    let browser = Browser::start().await;
    browser.cdp("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": NOTE_PROMPT }));
    browser.open(&site.url(path)).await;
    browser.wait(PROMPT).await;
    browser
}

/// Bytes of everything that is sent until the first prompt, and a second longer.
async fn first_view(site: &SiteServer) {
    for language in ["en", "ru"] {
        let browser = Browser::start().await;
        // Kept for offline use is everything, after the first view: not counted here.
        let script = format!(
            "Object.defineProperty(Navigator.prototype, 'serviceWorker', {{ value: undefined }}); \
             localStorage.setItem('netmodes.lang', '{language}');"
        );
        browser.cdp("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": script }));
        let before = site.sent().len();
        browser.open(&site.url("")).await;
        browser.wait(PROMPT).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut sent: Vec<Sent> = site.sent().split_off(before);
        sent.sort_by_key(|sent| std::cmp::Reverse(sent.bytes));
        let all: usize = sent.iter().map(|sent| sent.bytes).sum();
        println!("first view ({language}): {:.1} kB in {} files, compressed as sent", kilo(all), sent.len());
        for sent in sent.iter().take(12) {
            println!("  {:>8.1} kB  {}", kilo(sent.bytes), sent.path);
        }
    }
}

fn kilo(bytes: usize) -> f64 {
    bytes as f64 / 1000.0
}

async fn starts(site: &SiteServer) {
    for rate in [1, SLOW_DOWN] {
        let (mut cold, mut warm) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let browser = Browser::start().await;
            browser.cdp("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": NOTE_PROMPT }));
            browser.cdp("Emulation.setCPUThrottlingRate", &json!({ "rate": rate }));
            for times in [&mut cold, &mut warm] {
                browser.open(&site.url("")).await;
                times.push(browser.wait("window.firstPrompt").await.as_f64().unwrap_or(f64::NAN));
            }
        }
        println!(
            "time to the first prompt, CPU {rate} x slower: first visit {:.0} ms, again {:.0} ms (median of {STARTS})",
            share_of(&mut cold, 0.5),
            share_of(&mut warm, 0.5)
        );
    }
}

/// The value that so large a share of the sample does not exceed.
fn share_of(sample: &mut [f64], share: f64) -> f64 {
    sample.sort_by(f64::total_cmp);
    let last = sample.len().saturating_sub(1) as f64;
    sample.get((last * share).round() as usize).copied().unwrap_or(f64::NAN)
}

async fn frames(browser: &Browser, what: &str) {
    let times = browser.client.execute_async(FRAMES, vec![json!(4)]).await.expect("frames are counted");
    let mut times: Vec<f64> = times.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    println!(
        "frames, {what}: median {:.1} ms, 95 % {:.1} ms, 99 % {:.1} ms",
        share_of(&mut times, 0.5),
        share_of(&mut times, 0.95),
        share_of(&mut times, 0.99)
    );
}

async fn marks(site: &SiteServer) {
    for marks in [50, 500, 2_000] {
        let browser = open(site, &format!("?bench-marks={marks}")).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        frames(&browser, &format!("{marks} marks")).await;
        let own = browser.look("document.querySelector('.stage-marks')?.dataset.bench ?? null").await;
        if let Some(own) = own.as_str() {
            println!("  the canvas by itself: {own}");
        }
    }
}

/// So many VMs behind a NAT network.
fn many() -> Lab {
    let mut lab = content::lab("natnetwork");
    lab.name = "many".to_owned();
    let Some(first) = lab.vms.first().cloned() else { return lab };
    lab.vms = (1..=MACHINES)
        .map(|number| {
            let mut vm = first.clone();
            vm.name = format!("vm{number}");
            vm.nics.iter_mut().for_each(|nic| nic.mac = None);
            vm
        })
        .collect();
    lab
}

/// A page with that lab, opened by a link.
async fn open_many(site: &SiteServer) -> Option<Browser> {
    let lab = many();
    let json = serde_json::from_str(&lab.to_json()).ok()?;
    let session = Session {
        core: String::new(),
        lab: LabChoice::Inline(Box::new(json)),
        lab_hash: lab.hash_hex(),
        seed: 1,
        inputs: Vec::new(),
    };
    let link = match share::write(&session) {
        Ok(link) => link,
        Err(error) => {
            println!("the lab of {MACHINES} VMs makes no link: {error}");
            return None;
        }
    };
    let browser = open(site, &format!("#s={link}")).await;
    let last = format!("[...document.querySelectorAll('#app *')].some((e) => e.textContent === 'vm{MACHINES}')");
    browser.wait(&last).await;
    Some(browser)
}

/// Traffic at the machine in front: an address and an endless ping.
async fn traffic(browser: &Browser) {
    browser.run("dhclient enp0s3").await;
    browser.keys(".typed input.command", &format!("ping -i 0.05 8.8.8.8{ENTER}")).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
}

async fn forty(site: &SiteServer) {
    let Some(browser) = open_many(site).await else { return };
    traffic(&browser).await;
    frames(&browser, &format!("{MACHINES} VMs, ping every 50 ms")).await;
    looking_back(&browser).await;
}

/// From a key on the timeline to the picture of the earlier instant.
async fn looking_back(browser: &Browser) {
    let script = "
        const done = arguments[arguments.length - 1];
        const slider = document.querySelector('.time [role=slider], .track[tabindex]');
        if (!slider) { done(null); return; }
        const times = [];
        const clock = () => document.querySelector('.clock')?.textContent;
        const one = (left) => {
          if (left === 0) { done(times); return; }
          const before = clock(), begun = performance.now();
          slider.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true }));
          const look = () => {
            if (clock() !== before) { times.push(performance.now() - begun); setTimeout(() => one(left - 1), 50); }
            else if (performance.now() - begun > 2000) done(times);
            else requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        };
        one(20);";
    let times = browser.client.execute_async(script, Vec::new()).await.unwrap_or_default();
    let mut times: Vec<f64> = times.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    if times.is_empty() {
        println!("looking back: the timeline did not answer to the arrow key");
        return;
    }
    let count = times.len();
    println!(
        "looking back, one step: median {:.0} ms, 95 % {:.0} ms ({count} steps)",
        share_of(&mut times, 0.5),
        share_of(&mut times, 0.95)
    );
}

/// Memory before and after an hour of lab time with a ping every second.
async fn hour(site: &SiteServer) {
    let browser = open(site, "").await;
    browser.run("dhclient enp0s3").await;
    memory(&browser, "before");
    browser.keys(".typed input.command", &format!("ping -q 8.8.8.8{ENTER}")).await;
    let speed = "(() => { const speed = document.querySelector('select.speed');
        if (!speed) return false;
        const values = [...speed.options].map((option) => option.value);
        speed.value = values[values.length - 1];
        speed.dispatchEvent(new Event('change', { bubbles: true }));
        return true; })()";
    if browser.look(speed).await != true {
        println!("memory: no choice of speed was found");
        return;
    }
    tokio::time::sleep(Duration::from_secs(20)).await;
    let clock = browser.look("document.querySelector('.clock')?.textContent ?? ''").await;
    memory(&browser, &format!("lab time {}", clock.as_str().unwrap_or_default()));
}

/// The JavaScript heap, and all memory of the page's process (its worker's too).
fn memory(browser: &Browser, when: &str) {
    browser.cdp("Performance.enable", &json!({}));
    let metrics = browser.cdp("Performance.getMetrics", &json!({}));
    let heap = metrics.get("metrics").and_then(Value::as_array).into_iter().flatten().find_map(|metric| {
        (metric.get("name")?.as_str()? == "JSHeapUsedSize").then(|| metric.get("value")?.as_f64())?
    });
    let resident = browser.largest_renderer_bytes().unwrap_or(0);
    println!(
        "memory, {when}: JavaScript heap {:.1} MB, the page's process {:.1} MB",
        heap.unwrap_or(f64::NAN) / 1e6,
        resident as f64 / 1e6
    );
}

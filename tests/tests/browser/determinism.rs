//! The same script gives the same trace, byte for byte, natively and in the worker's module in a browser.

use netmodes_tests::browser::Browser;
use netmodes_tests::content::lab;
use netmodes_tests::paths;
use netmodes_tests::scripts::{run, trace};
use netmodes_tests::site::SiteServer;
use serde_json::json;

const SEEDS: u32 = 20;

/// Everything that can differ: random numbers (transaction identifiers, initial sequence numbers, jitter), times,
/// rounding, TCP, two translations, errors, a mode that changes.
const SCRIPT: &str = "vm1: ip addr
vm1: dhclient -v enp0s3
vm1: ping -c 3 8.8.8.8
vm1: ping -c 1 -t 3 8.8.8.8
vm1: ping -c 1 10.0.2.77
vm1: curl -s http://example.com/
vm1: curl http://93.184.215.14:81/
vm1 &udp: nc -u -w 1 example.com 9
@input udp \"x\"
@end udp 5
@tty 100 vm1: ss -tan
vm1 &p: ping -i 0.3 -c 20 8.8.8.8
@wait 1.5
@attach vm1 1 notattached
@wait 2
@attach vm1 1 nat
@end p
pc &server: nc -l 9000
host &client: nc -N 192.168.0.50 9000
@input client \"hello\\n\"
@eof client
@end server 10
@wait 100
";

/// A worker that loads the module as the page's does, and runs scripts.
const WORKER: &str = r#"
import start, { world_script } from "./pkg/page.js";
const ready = start({ module_or_path: new URL("./pkg/page_bg.wasm", import.meta.url) });
self.onmessage = async (event) => {
  await ready;
  const { lab, script, seed } = event.data;
  const bytes = (text) => new TextEncoder().encode(text);
  self.postMessage(new TextDecoder().decode(world_script(bytes(lab), bytes(script), seed)));
};
"#;

/// A page that asks for nothing but its icon.
const EMPTY: &str = "<!doctype html><link rel=icon href=/icon.svg>";
const ICON: &str = "<svg xmlns='http://www.w3.org/2000/svg'/>";

const ASK: &str = "
const [question, done] = arguments;
window.world ??= new Worker('/determinism.js', { type: 'module' });
window.world.onerror = (event) => done('the worker failed: ' + event.message);
window.world.onmessage = (event) => done(event.data);
window.world.postMessage(question);
";

#[tokio::test]
async fn the_same_script_gives_the_same_trace_natively_and_in_the_browser_for_twenty_seeds() {
    let site =
        SiteServer::start(paths::site(), &[("determinism.js", WORKER), ("empty.html", EMPTY), ("icon.svg", ICON)]);
    let browser = Browser::start().await;
    browser.open(&site.url("empty.html")).await;
    let lab = lab("nat");
    let mut traces = std::collections::BTreeSet::new();
    for seed in 0..SEEDS {
        let native = trace(&run(&lab, u64::from(seed), SCRIPT).events);
        let question = json!({ "lab": lab.to_json(), "script": SCRIPT, "seed": seed });
        let answer = browser.client.execute_async(ASK, vec![question]).await.unwrap();
        let wasm = answer.as_str().unwrap();
        if wasm != native {
            let differ = native.lines().zip(wasm.lines()).enumerate().find(|(_, (a, b))| a != b);
            panic!("seed {seed}: {} and {} bytes; the first line that differs: {differ:#?}", native.len(), wasm.len());
        }
        assert!(native.lines().count() > 500, "seed {seed}: {} lines", native.lines().count());
        traces.insert(native);
    }
    assert_eq!(traces.len(), SEEDS as usize, "seeds do not matter");
    browser.assert_console_clean();
}

//! axe-core in the page under test: what it finds serious or critical. `cargo xtask test` fetches its script.

use serde_json::Value;

use crate::browser::Browser;
use crate::paths;

/// Runs axe-core over the document as it is now.
const RUN: &str = "
const done = arguments[arguments.length - 1];
axe.run(document, { resultTypes: ['violations'] }).then(
  (found) => done(found.violations
    .filter((one) => one.impact === 'serious' || one.impact === 'critical')
    .map((one) => one.impact + ' ' + one.id + ': ' + one.help + '\\n' +
      one.nodes.slice(0, 6).map((node) => '  ' + node.target.join(' ') + '\\n    ' + (node.failureSummary || '').replace(/\\s+/g, ' ')).join('\\n'))),
  (error) => done(['axe failed: ' + error]),
);
";

/// What axe-core finds serious or critical in the page as it stands.
pub async fn violations(browser: &Browser) -> Vec<String> {
    if browser.look("typeof window.axe === 'undefined'").await == true {
        let script = std::fs::read_to_string(paths::axe()).expect("axe-core's script is readable");
        browser.client.execute(&script, Vec::new()).await.expect("axe-core is taken in");
    }
    let found = browser.client.execute_async(RUN, Vec::new()).await.expect("axe-core runs");
    let lines = found.as_array().cloned().unwrap_or_default();
    lines.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Fails when axe-core finds something serious in the page as it stands; `view` is named.
pub async fn assert_accessible(browser: &Browser, view: &str) {
    let found = violations(browser).await;
    assert!(found.is_empty(), "{view}:\n{}", found.join("\n"));
}

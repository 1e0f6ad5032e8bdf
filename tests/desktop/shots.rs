//! A picture of every screen, and what axe-core finds on it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::window::{Window, text};

impl Window {
    /// Saves `NAME.png` once the window stands still, and checks the screen for barriers.
    pub(crate) async fn shot(&self, name: &str) {
        self.settled().await;
        self.picture(name).await;
        self.no_barriers(name).await;
    }

    /// The same in the light and in the dark theme, without messages that lie over it.
    pub(crate) async fn shots(&self, name: &str) {
        let close =
            "document.querySelectorAll('[data-testid=toast] button').forEach((e) => e.click())";
        self.js(close, vec![]).await;
        self.gone("toast").await;
        self.shot(name).await;
        let theme = "document.documentElement.dataset.theme = arguments[0]";
        self.js(theme, vec![json!("dark")]).await;
        self.shot(&format!("{name}-dark")).await;
        self.js(theme, vec![json!("light")]).await;
    }

    /// Saves the picture at once: for what does not last.
    pub(crate) async fn picture(&self, name: &str) {
        let png = self.driver.screenshot_as_png().await.unwrap();
        fs::write(folder().join(format!("{name}.png")), png).unwrap();
    }

    /// No violation of serious or critical impact. This engine draws, so contrast is judged too.
    pub(crate) async fn no_barriers(&self, screen: &str) {
        if self.js("return typeof window.axe", vec![]).await == json!("undefined") {
            self.js(&fs::read_to_string(axe()).unwrap(), vec![]).await;
        }
        let script = "const done = arguments[0]; \
            axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations \
            .filter((v) => v.impact === 'serious' || v.impact === 'critical') \
            .map((v) => v.id + ': ' + v.help + '\\n' + v.nodes.map((n) => '  ' + n.html.slice(0, 200) + '\\n  ' + n.failureSummary).join('\\n'))), \
            (error) => done([String(error)]))";
        let mut found: Vec<String> = Vec::new();
        // A control that changes its colours meanwhile is looked at again when it is done.
        for _ in 0..2 {
            let answer = self.driver.execute_async(script, vec![]).await.unwrap();
            found = answer.json().as_array().unwrap().iter().map(text).collect();
            if found.is_empty() {
                return;
            }
            self.settled().await;
        }
        let found = found.iter().map(|one| format!("{screen}: {one}"));
        self.barriers.lock().unwrap().extend(found);
    }

    /// Nothing of the page, and of each region, is wider than the place it has.
    pub(crate) async fn not_clipped(&self, regions: &[&str]) {
        let script = "return arguments[0].flatMap((region) => { \
            const found = [...document.querySelectorAll(region)]; \
            if (found.length === 0) return [region + ' is not there']; \
            return found.filter((e) => e.scrollWidth > e.clientWidth).map((e) => region + ': ' + e.scrollWidth + ' in ' + e.clientWidth); \
        })";
        let found = self.js(script, vec![json!(regions)]).await;
        if found != Value::Array(vec![]) {
            let widest = "return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1) \
                .slice(0, 8).map((e) => e.outerHTML.slice(0, 160))";
            let widest = self.js(widest, vec![]).await;
            panic!("content is clipped: {found}; beyond the window: {widest:#}");
        }
    }

    /// No label, button or figure is cut off without an ellipsis that was meant.
    pub(crate) async fn no_cut_words(&self) {
        let script = "return [...document.querySelectorAll('button, h1, h2, dt, dd, .status')].filter((e) => { \
            const style = getComputedStyle(e); \
            return e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1 && style.overflowX !== 'visible' \
                && style.textOverflow !== 'ellipsis' && e.closest('.vh') === null; \
        }).map((e) => e.outerHTML.slice(0, 160))";
        assert_eq!(
            self.js(script, vec![]).await,
            Value::Array(vec![]),
            "words are cut off"
        );
    }
}

/// Where pictures go.
fn folder() -> PathBuf {
    let folder = env::var_os("HEADGATE_SCREENSHOTS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots"),
        PathBuf::from,
    );
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn axe() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/node_modules/axe-core/axe.min.js")
}

//! The console's window as a person meets it: things are found by their test id, and everything is waited for.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::driver::process_of;

/// Longest wait for anything that the window shows.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(40);

/// A window under WebDriver.
pub(crate) struct Window {
    pub(crate) driver: WebDriver,
    home: PathBuf,
    /// What axe found so far: told at the end, so that one screen does not hide the next.
    pub(crate) barriers: Mutex<Vec<String>>,
}

impl Window {
    pub(crate) fn new(driver: WebDriver, home: &Path) -> Self {
        Self {
            driver,
            home: home.to_owned(),
            barriers: Mutex::default(),
        }
    }

    /// Waits until an element with this test id is shown.
    pub(crate) async fn see(&self, id: &str) -> WebElement {
        let selector = css(id);
        self.until(
            &format!("`{id}` is shown"),
            &format!(
                "document.querySelector({})?.checkVisibility({{ visibilityProperty: true, opacityProperty: true }})",
                json!(selector)
            ),
        )
        .await;
        self.driver.find(By::Css(selector)).await.unwrap()
    }

    /// Waits until no element has this test id.
    pub(crate) async fn gone(&self, id: &str) {
        let selector = css(id);
        self.until(
            &format!("`{id}` is gone"),
            &format!("document.querySelector({}) === null", json!(selector)),
        )
        .await;
    }

    /// Whether an element has this test id now.
    pub(crate) async fn has(&self, id: &str) -> bool {
        self.js(
            "return document.querySelector(arguments[0]) !== null",
            vec![json!(css(id))],
        )
        .await
            == json!(true)
    }

    pub(crate) async fn click(&self, id: &str) {
        let element = self.see(id).await;
        // Something that slides in is not where it will be.
        self.settled().await;
        if let Err(error) = element.click().await {
            panic!("`{id}` cannot be clicked: {error}\n{}", self.words().await);
        }
    }

    /// Chooses a radio button: what is drawn is its label, which has no test id.
    pub(crate) async fn choose(&self, id: &str) {
        self.until(
            &format!("`{id}` can be chosen"),
            &format!("document.querySelector({})", json!(css(id))),
        )
        .await;
        let script = "document.querySelector(arguments[0]).closest('label').click()";
        self.js(script, vec![json!(css(id))]).await;
    }

    pub(crate) async fn text(&self, id: &str) -> String {
        self.see(id).await;
        let script = "return document.querySelector(arguments[0]).innerText.replaceAll('\\u00a0', ' ').trim()";
        text(&self.js(script, vec![json!(css(id))]).await)
    }

    pub(crate) async fn attr(&self, id: &str, name: &str) -> Option<String> {
        self.see(id).await.attr(name).await.unwrap()
    }

    /// Replaces the text of a field.
    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let field = self.see(id).await;
        field.click().await.unwrap();
        self.keys(Key::Control + "a").await;
        match text {
            // The driver refuses to type nothing.
            "" => self.keys(Key::Delete + "").await,
            _ => self.keys(text).await,
        }
        let shown = field.prop("value").await.unwrap();
        assert_eq!(shown.as_deref(), Some(text), "what `{id}` holds");
    }

    /// Presses keys where the focus is.
    pub(crate) async fn keys(&self, keys: impl Into<thirtyfour::TypingData>) {
        let active = self.driver.active_element().await.unwrap();
        active.send_keys(keys).await.unwrap();
    }

    /// Test id of the element that has the focus.
    pub(crate) async fn focus(&self) -> String {
        let script = "const at = document.activeElement?.closest('[data-testid]'); \
                      return at ? at.dataset.testid : document.activeElement?.tagName ?? ''";
        text(&self.js(script, vec![]).await)
    }

    /// Waits until a text is part of what an element shows.
    pub(crate) async fn says(&self, id: &str, part: &str) {
        let holds = format!(
            "[...document.querySelectorAll({})].some((e) => e.innerText.replaceAll('\\u00a0', ' ').includes({}))",
            json!(css(id)),
            json!(part)
        );
        self.until(&format!("`{id}` says {part:?}"), &holds).await;
    }

    /// Waits until a JavaScript expression holds.
    pub(crate) async fn until(&self, what: &str, holds: &str) {
        let begun = Instant::now();
        let script = format!("return Boolean({holds})");
        while self.js(&script, vec![]).await != json!(true) {
            if begun.elapsed() > PATIENCE {
                panic!("it never came that {what}.\n{}", self.words().await);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until nothing fades, slides or loads a font. Turning circles never end and do not count.
    pub(crate) async fn settled(&self) {
        let holds = "document.fonts.status === 'loaded' && document.getAnimations().every((a) => \
                     a.playState !== 'running' || a.effect?.getComputedTiming().endTime === Infinity)";
        self.until("the window stands still", holds).await;
        self.drawn().await;
    }

    /// Waits until what is signed was derived from all that was typed.
    pub(crate) async fn signing_is_open(&self) {
        // The plan is derived again after a pause in typing; until then the old one still shows.
        self.until(
            "signing is open",
            "document.querySelector('[data-testid=sign-start]').getAttribute('aria-disabled') === 'false'",
        )
        .await;
    }

    /// Waits for two frames: what was changed last is drawn by then.
    pub(crate) async fn drawn(&self) {
        let frames = "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))";
        self.driver.execute_async(frames, vec![]).await.unwrap();
    }

    /// The screen in a window of 1024 x 700: nothing of it is cut. The size before is restored.
    pub(crate) async fn fits_small(&self, name: &str) {
        for (width, height, look) in [(1024, 700, true), (1280, 800, false)] {
            self.driver
                .set_window_rect(0, 0, width, height)
                .await
                .unwrap();
            let sized = format!("innerWidth === {width} && innerHeight === {height}");
            self.until("the window has its size", &sized).await;
            if look {
                self.settled().await;
                self.not_clipped(&["html", "body", "main"]).await;
                self.no_cut_words().await;
                self.shot(name).await;
            }
        }
    }

    /// Calls a command of the shell as the page can, past everything that the page's controls check.
    pub(crate) async fn invoke(&self, command: &str, request: Value) -> Result<Value, Value> {
        let script = "const done = arguments[2]; window.__TAURI_INTERNALS__.invoke(arguments[0], { request: arguments[1] })\
                      .then((ok) => done({ ok: ok ?? null }), (err) => done({ err }))";
        let answer = self
            .driver
            .execute_async(script, vec![json!(command), request])
            .await
            .unwrap();
        let answer = answer.json().clone();
        match answer.get("err") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["ok"].clone()),
        }
    }

    pub(crate) async fn js(&self, script: &str, args: Vec<Value>) -> Value {
        let answer = self.driver.execute(script, args).await;
        match answer {
            Ok(answer) => answer.json().clone(),
            Err(error) => panic!("{script}: {error}"),
        }
    }

    /// Everything that is readable now, for the message of a failure.
    pub(crate) async fn words(&self) -> String {
        let page = self
            .driver
            .execute("return document.body.innerText", vec![]);
        page.await
            .map_or_else(|e| e.to_string(), |found| text(found.json()))
    }

    /// Process of the console.
    pub(crate) fn process(&self) -> u32 {
        process_of(&self.home).expect("the console runs")
    }

    /// Ends the console, waits until it let go of its home, and fails if a screen had barriers.
    pub(crate) async fn quit(self) {
        let home = self.home.clone();
        self.driver.quit().await.ok();
        ended(&home).await;
        let barriers = self.barriers.into_inner().unwrap();
        assert!(barriers.is_empty(), "axe:\n{}", barriers.join("\n"));
    }
}

/// Waits until no console works on this home.
pub(crate) async fn ended(home: &Path) {
    let begun = Instant::now();
    while process_of(home).is_some() {
        assert!(begun.elapsed() < PATIENCE, "the console did not end");
        tokio::time::sleep(LOOK).await;
    }
}

fn css(id: &str) -> String {
    format!("[data-testid=\"{id}\"]")
}

/// A JSON string without its quotes.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

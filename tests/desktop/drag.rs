//! A real drag: a second window offers paths, the mouse carries them over the console.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::hand::xdotool;

/// The drag source's corner, clear of the console's window.
const SOURCE: (i32, i32) = (1500, 650);
/// Where things are let go, in the middle of the window.
const TARGET: (i32, i32) = (560, 380);

/// A drag that hangs over the console's window, the button still down.
pub(crate) struct Drag {
    source: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Drag {
    /// Picks the paths up and carries them over the window.
    pub(crate) fn over(paths: &[&Path]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("desktop/dragsource.py");
        let mut source = Command::new("/usr/bin/python3")
            .arg(script)
            .args([SOURCE.0.to_string(), SOURCE.1.to_string()])
            .args(paths)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(source.stdout.take().unwrap()).lines();
        let mut drag = Self { source, said };
        drag.wait("ready");
        sleep(Duration::from_millis(250));
        let (x, y) = (SOURCE.0 + 60, SOURCE.1 + 40);
        move_to(x, y);
        xdotool(&["mousedown", "1"]);
        // GTK begins a drag after a few pixels.
        move_to(x - 5, y - 5);
        move_to(x - 20, y - 20);
        drag.wait("begin");
        for step in 1..=8 {
            move_to(x + (TARGET.0 - x) * step / 8, y + (TARGET.1 - y) * step / 8);
        }
        drag
    }

    /// Lets go.
    pub(crate) fn release(mut self) {
        // A last small move after the long one: the target answers to where the mouse rests.
        move_to(TARGET.0 + 2, TARGET.1 + 2);
        sleep(Duration::from_millis(150));
        xdotool(&["mouseup", "1"]);
        self.wait("end");
    }

    fn wait(&mut self, word: &str) {
        loop {
            let line = self.said.next().expect("the drag source ended").unwrap();
            if line == word {
                return;
            }
        }
    }
}

impl Drop for Drag {
    fn drop(&mut self) {
        // A journey that failed in mid-drag must not leave the button down for the next one.
        Command::new("xdotool").args(["mouseup", "1"]).status().ok();
        self.source.kill().ok();
        self.source.wait().ok();
    }
}

fn move_to(x: i32, y: i32) {
    xdotool(&["mousemove", &x.to_string(), &y.to_string()]);
    sleep(Duration::from_millis(30));
}

//! The program `headgate-server`, running beside the test.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program;

/// The program with nothing of the surrounding environment.
pub fn server_program() -> Command {
    let mut command = Command::new(program("headgate-server"));
    command.env_clear();
    command
}

/// A running program, which ends with the test.
pub struct Serving {
    /// The process.
    pub child: Child,
    /// `127.0.0.1:port` where devices ask.
    pub devices: String,
    /// The same where operators ask; empty where nobody does.
    pub admin: String,
    log: Receiver<String>,
    said: Vec<String>,
}

impl Serving {
    /// Starts it and waits until it listens.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (send, log) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let mut serving = Self {
            child,
            devices: String::new(),
            admin: String::new(),
            log,
            said: Vec::new(),
        };
        let line = serving.logged("listening");
        let address = |of: &str| line["fields"][of].as_str().unwrap_or_default().to_owned();
        (serving.devices, serving.admin) = (address("devices"), address("admin"));
        serving
    }

    /// The next log line with this message.
    pub fn logged(&mut self, message: &str) -> Value {
        loop {
            let line = self.log.recv_timeout(Duration::from_secs(30)).unwrap();
            self.said.push(line);
            let line = self.said.last().unwrap();
            let line: Value = serde_json::from_str(line).unwrap();
            if line["fields"]["message"] == message {
                return line;
            }
        }
    }

    /// Everything that it logged so far.
    pub fn log(&mut self) -> &[String] {
        self.said.extend(self.log.try_iter());
        &self.said
    }

    /// Waits until it serves.
    pub async fn ready(&self) {
        let url = format!("http://{}/readyz", self.devices);
        let begun = Instant::now();
        while reqwest::get(&url).await.unwrap().status() != 200 {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "it is never ready"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

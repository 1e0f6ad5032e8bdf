//! Packs three made-up web builds and prints time and peak memory beside `sha256sum` over the same
//! files in the same run.
//!
//! `cargo run --release -p headgate-bundle --example pack_bench [-- CACHE_FOLDER]`

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use headgate_bundle::{Limits, PackOptions, WebBuild, pack};

type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

/// Raised when the corpora change, so that old ones in the cache are not used.
const CORPUS_VERSION: u32 = 2;
const RUNS: usize = 5;

struct Corpus {
    /// Files of each kind; `index.html` and one more come on top.
    half: usize,
    bytes: u64,
    target: Option<Target>,
}

struct Target {
    seconds: f64,
    megabytes: Option<f64>,
}

const CORPORA: [Corpus; 3] = [
    Corpus {
        half: 100,
        bytes: 5_000_000,
        target: Some(Target {
            seconds: 0.1,
            megabytes: None,
        }),
    },
    Corpus {
        half: 1000,
        bytes: 40_000_000,
        target: None,
    },
    Corpus {
        half: 2000,
        bytes: 391_000_000,
        target: Some(Target {
            seconds: 2.0,
            megabytes: Some(96.0),
        }),
    },
];

fn main() -> AnyResult<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, folder, out, level] = args.as_slice()
        && mode == "--child"
    {
        return child(Path::new(folder), Path::new(out), level.parse()?);
    }
    let cache = match args.first() {
        Some(folder) => PathBuf::from(folder),
        None => std::env::temp_dir().join("headgate-bench"),
    };
    let level = match std::env::var("LEVEL") {
        Ok(level) => level,
        Err(_) => headgate_bundle::DEFAULT_LEVEL.to_string(),
    };
    let mut report = String::new();
    let cores = std::thread::available_parallelism()?;
    writeln!(
        report,
        "level {level}, {cores} cores, median of {RUNS} runs"
    )?;
    for corpus in &CORPORA {
        let folder = make(&cache, corpus)?;
        measure(&mut report, corpus, &folder, &level)?;
    }
    io::stdout().lock().write_all(report.as_bytes())?;
    Ok(())
}

/// Only packs, and says what that took: the peak must not contain the making of the corpus.
fn child(folder: &Path, out: &Path, level: u32) -> AnyResult<()> {
    let build = WebBuild::open(folder, &Limits::default(), &[])?;
    let options = PackOptions {
        level,
        ..PackOptions::default()
    };
    let packed = pack(&build, out, &options, &|_, _| (), &AtomicBool::new(false))?;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let peak = peak
        .and_then(|l| l.split_whitespace().next())
        .unwrap_or("0");
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat
        .split_whitespace()
        .skip(13)
        .take(2)
        .filter_map(|t| t.parse::<u64>().ok())
        .sum();
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{peak} {ticks} {} {}", packed.size, packed.sha256)?;
    Ok(())
}

fn measure(report: &mut String, corpus: &Corpus, folder: &Path, level: &str) -> AnyResult<()> {
    let out = folder.with_extension("zip");
    let (mut packs, mut sums) = (Vec::new(), Vec::new());
    let (mut cpu, mut peak, mut size, mut hash) = (Vec::new(), 0.0_f64, 0_u64, String::new());
    for run in 0..=RUNS {
        let (took, text) = timed(
            Command::new(std::env::current_exe()?)
                .arg("--child")
                .args([folder, &out])
                .arg(level),
        )?;
        let sum = sha256sum(folder)?;
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [kib, ticks, bytes, sha256] = fields[..] else {
            return Err(format!("unexpected answer {text:?}").into());
        };
        if !hash.is_empty() && hash != sha256 {
            return Err("two runs gave different bytes".into());
        }
        sha256.clone_into(&mut hash);
        size = bytes.parse()?;
        // The first run warms the page cache.
        if run > 0 {
            packs.push(took.as_secs_f64());
            sums.push(sum.as_secs_f64());
            cpu.push(ticks.parse::<f64>()? / 100.0);
            peak = peak.max(kib.parse::<f64>()? / 1024.0);
        }
    }
    let (pack, sum, cpu) = (median(packs), median(sums), median(cpu));
    let verdict = corpus.target.as_ref().map_or(String::new(), |t| {
        let met = pack <= t.seconds && t.megabytes.is_none_or(|m| peak <= m);
        let memory = t
            .megabytes
            .map_or(String::new(), |m| format!(", {m:.0} MB"));
        format!(
            "  target {:.1} s{memory}: {}",
            t.seconds,
            if met { "met" } else { "not met" }
        )
    });
    writeln!(
        report,
        "{:>5} files {:>6.1} MB -> {:>6.1} MB  pack {pack:.3} s (CPU {cpu:.2} s), peak {peak:.1} MB  sha256sum {sum:.3} s{verdict}",
        corpus.half * 2 + 2,
        corpus.bytes as f64 / 1e6,
        size as f64 / 1e6,
    )?;
    Ok(())
}

fn timed(command: &mut Command) -> AnyResult<(Duration, String)> {
    let start = Instant::now();
    let output = command.stderr(Stdio::inherit()).output()?;
    let took = start.elapsed();
    if !output.status.success() {
        return Err(format!("{command:?} failed").into());
    }
    Ok((took, String::from_utf8(output.stdout)?))
}

fn sha256sum(folder: &Path) -> AnyResult<Duration> {
    let script = "find . -type f -print0 | xargs -0 sha256sum | tail -n 1";
    let (took, _) = timed(Command::new("sh").args(["-c", script]).current_dir(folder))?;
    Ok(took)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Small and fast, and the same everywhere (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

/// Makes a corpus unless it is there. Half of the bytes are incompressible, half are text.
fn make(cache: &Path, corpus: &Corpus) -> AnyResult<PathBuf> {
    let name = format!("v{CORPUS_VERSION}-{}-{}", corpus.half * 2 + 2, corpus.bytes);
    let folder = cache.join(name);
    if folder.exists() {
        return Ok(folder);
    }
    let unfinished = folder.with_extension("part");
    let _ = fs::remove_dir_all(&unfinished);
    for n in 0..50 {
        fs::create_dir_all(unfinished.join(format!("assets/{n:02}")))?;
    }
    fs::write(
        unfinished.join("index.html"),
        "<!doctype html><title>Bench</title>",
    )?;
    fs::write(unfinished.join("manifest.json"), "{\"name\":\"Bench\"}")?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let words: Vec<String> = (0..3000).map(|_| word(&mut random)).collect();
    // 20 to 100 KiB, scaled so that all files reach the total.
    let sizes: Vec<u64> = (0..corpus.half).map(|_| 20 + random.below(81)).collect();
    let all: u64 = sizes.iter().sum();
    for (n, size) in sizes.iter().enumerate() {
        let bytes = size * (corpus.bytes / 2) / all;
        let place = unfinished.join(format!("assets/{:02}", n % 50));
        let noise: Vec<u8> = (0..bytes / 8)
            .flat_map(|_| random.next().to_le_bytes())
            .collect();
        fs::write(place.join(format!("image-{n}.png")), noise)?;
        fs::write(
            place.join(format!("chunk-{n}.js")),
            script(&mut random, &words, bytes as usize),
        )?;
    }
    fs::rename(&unfinished, &folder)?;
    Ok(folder)
}

fn word(random: &mut Random) -> String {
    let len = 1 + random.below(9);
    (0..len)
        .map(|_| char::from(b'a' + random.below(26) as u8))
        .collect()
}

/// Text with the shape of minified script: few words often, many seldom, numbers, punctuation, and
/// phrases that come again. Deflates to about a third, as minified bundles do.
fn script(random: &mut Random, words: &[String], bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 128);
    while text.len() < bytes {
        if text.len() > 4096 && random.below(5) == 0 {
            let from = text.len() - 64 - random.below(text.len() as u64 / 2) as usize;
            let phrase = text[from..from + 16 + random.below(48) as usize].to_owned();
            text.push_str(&phrase);
            continue;
        }
        let spread = [24, 24, 200, words.len() as u64][random.below(4) as usize];
        text.push_str(&words[random.below(spread) as usize]);
        match random.below(12) {
            0 => text.push_str("=function("),
            1 => text.push_str("){return "),
            2 => text.push_str(";var "),
            3 => text.push_str(&format!(",{}", random.below(100))),
            4 => text.push_str("})("),
            5..=7 => text.push('.'),
            8 => text.push_str("&&"),
            9 => text.push_str(",\""),
            10 => text.push_str("\":"),
            _ => text.push('('),
        }
    }
    text.truncate(bytes);
    text
}

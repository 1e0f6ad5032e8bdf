//! Brotli (RFC 7932) at one fixed setting, and its bounded reverse.

use std::io::{self, Read, Write};

use brotli::enc::BrotliEncoderParams;
use brotli::enc::writer::CompressorWriter;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState, HeapAlloc, HuffmanCode};
use headgate_core::files::Encoding;
use headgate_core::{Code, Problem, Result};
use sha2::{Digest, Sha256};

const QUALITY: i32 = 5;
/// Window of 4 MiB − 16: every Brotli decoder of phones and browsers has it.
const WINDOW: i32 = 22;
const BLOCK: usize = 16 * 1024;

/// Takes stored bytes: hashes and counts them, and hands them on.
#[derive(Default)]
pub(super) struct Sink<'a> {
    hash: Sha256,
    size: u64,
    out: Option<&'a mut dyn Write>,
    failed: Option<io::Error>,
}

impl<'a> Sink<'a> {
    pub(super) fn new(out: Option<&'a mut dyn Write>) -> Self {
        Self {
            out,
            ..Self::default()
        }
    }

    /// Takes some bytes.
    ///
    /// # Errors
    /// `local.disk`.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<()> {
        // An error is kept for `finish`, which tells it.
        let _ = self.write(bytes);
        self.check()
    }

    fn check(&mut self) -> Result<()> {
        match self.failed.take() {
            Some(error) => Err(Problem::new(
                Code::LocalDisk,
                format!("The stored bytes cannot be written: {error}."),
            )),
            None => Ok(()),
        }
    }

    /// SHA-256 and number of all bytes.
    pub(super) fn finish(mut self) -> Result<(String, u64)> {
        self.check()?;
        Ok((hex::encode(self.hash.finalize()), self.size))
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(out) = &mut self.out
            && let Err(error) = out.write_all(bytes)
        {
            let kind = error.kind();
            self.failed.get_or_insert(error);
            return Err(kind.into());
        }
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compresses one file.
pub(super) struct Encoder<'a>(CompressorWriter<Sink<'a>>);

impl<'a> Encoder<'a> {
    /// `size`: bytes of the file. The encoder tunes itself by it, so it must be the true one.
    pub(super) fn new(size: u64, sink: Sink<'a>) -> Self {
        let params = BrotliEncoderParams {
            quality: QUALITY,
            lgwin: WINDOW,
            size_hint: usize::try_from(size).unwrap_or(usize::MAX),
            ..BrotliEncoderParams::default()
        };
        Self(CompressorWriter::with_params(sink, BLOCK, &params))
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let result = self.0.write_all(bytes);
        self.0.get_mut().check()?;
        result.map_err(|e| {
            Problem::new(
                Code::Internal,
                format!("Compressing with Brotli failed: {e}."),
            )
        })
    }

    /// SHA-256 and number of the stored bytes.
    pub(super) fn finish(self) -> Result<(String, u64)> {
        // It writes the rest; the sink remembers whether that failed.
        self.0.into_inner().finish()
    }
}

/// Writes a file in memory to `out` as a Brotli stream, whether or not that is smaller.
///
/// # Errors
/// `local.disk` when `out` fails.
pub fn brotli_to(plain: &[u8], out: &mut dyn Write) -> Result<()> {
    let mut encoder = Encoder::new(plain.len() as u64, Sink::new(Some(out)));
    encoder.write(plain)?;
    encoder.finish().map(drop)
}

/// The file that stored bytes are made from, at most `max_size` bytes of it.
///
/// Memory: the output, plus what a window of 16 MiB needs at most. Windows beyond that, which are no
/// RFC 7932, are refused.
///
/// # Errors
/// `trust.format` when they are no such stream, are cut, are followed by more, or give more.
pub fn unstore(bytes: &[u8], encoding: Encoding, max_size: u64) -> Result<Vec<u8>> {
    let max = usize::try_from(max_size).unwrap_or(usize::MAX);
    let too_large = || bad(&format!("give more than {max_size} bytes"));
    if encoding == Encoding::Plain {
        return if bytes.len() > max {
            Err(too_large())
        } else {
            Ok(bytes.to_vec())
        };
    }
    let mut state = BrotliState::new_strict(
        HeapAlloc::<u8>::new(0),
        HeapAlloc::<u32>::new(0),
        HeapAlloc::<HuffmanCode>::new(HuffmanCode::default()),
    );
    let (mut left, mut at, mut total) = (bytes.len(), 0, 0);
    let mut block = vec![0; BLOCK];
    let mut file = Vec::new();
    loop {
        let (mut room, mut used) = (block.len(), 0);
        let result = BrotliDecompressStream(
            &mut left, &mut at, bytes, &mut room, &mut used, &mut block, &mut total, &mut state,
        );
        if file.len() + used > max {
            return Err(too_large());
        }
        file.extend_from_slice(&block[..used]);
        match result {
            BrotliResult::ResultSuccess if left == 0 => return Ok(file),
            BrotliResult::ResultSuccess => return Err(bad("are followed by more")),
            BrotliResult::NeedsMoreOutput => {}
            BrotliResult::NeedsMoreInput => return Err(bad("are cut off")),
            BrotliResult::ResultFailure => return Err(bad("are no Brotli stream")),
        }
    }
}

/// As [`unstore`] from a reader to a writer, for files that are better not held in memory. Whether the stream is
/// followed by more is not looked at: compare the hash of what came out.
///
/// # Errors
/// `trust.format` when they are no such stream, are cut, or give more than `max_size`; `local.disk` when `out` fails.
pub fn unstore_to(
    stored: impl Read,
    encoding: Encoding,
    max_size: u64,
    out: &mut dyn Write,
) -> Result<()> {
    let mut plain: Box<dyn Read + '_> = match encoding {
        Encoding::Plain => Box::new(stored),
        Encoding::Brotli => Box::new(brotli::Decompressor::new(stored, BLOCK)),
    };
    let mut block = vec![0; BLOCK];
    let mut left = max_size;
    loop {
        let got = match plain.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(got) => got,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Err(bad("cannot be read, or are no Brotli stream")),
        };
        left = left
            .checked_sub(got as u64)
            .ok_or_else(|| bad(&format!("give more than {max_size} bytes")))?;
        out.write_all(&block[..got]).map_err(|e| {
            let what = format!("A file cannot be written: {e}.");
            Problem::new(Code::LocalDisk, what)
        })?;
    }
}

fn bad(why: &str) -> Problem {
    Problem::new(Code::TrustFormat, format!("The stored bytes {why}."))
}

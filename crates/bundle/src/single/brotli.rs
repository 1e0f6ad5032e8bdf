//! Brotli (RFC 7932) at one fixed setting, and its bounded reverse.

use std::io::{self, Write};

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

fn bad(why: &str) -> Problem {
    Problem::new(Code::TrustFormat, format!("The stored bytes {why}."))
}

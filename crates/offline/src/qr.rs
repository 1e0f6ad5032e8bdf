//! Small files as QR codes (ISO/IEC 18004): the file deflated behind four letters that say what it is.

use std::io::{Read, Write};
use std::path::Path;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use headgate_core::signing::MAX_REQUEST;
use headgate_core::{Code, Problem, Result};
use qrcode::{Color, EcLevel, QrCode};

use crate::inbox;

/// Largest content of a QR code: version 40 with the lowest error correction.
pub const MAX_PAYLOAD: usize = 2_953;
/// What stands before the deflated file.
const MAGIC: &[u8; 4] = b"HGQ1";
/// Largest picture that is looked at, bytes and pixels.
const MAX_PICTURE: u64 = 20 << 20;
const MAX_PIXELS: u64 = 50_000_000;
/// A payload of 2,953 bytes cannot honestly hold more than this.
const MAX_INFLATED: u64 = 256 * 1024;

/// A QR code as squares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Squares {
    /// Squares of a side, without the quiet zone.
    pub side: usize,
    /// Row by row; true is black.
    pub dark: Vec<bool>,
}

impl Squares {
    /// An SVG path of one unit squares.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for (row, line) in self.dark.chunks(self.side.max(1)).enumerate() {
            let mut at = 0;
            while at < line.len() {
                let run = line[at..].iter().take_while(|d| **d).count();
                if run > 0 {
                    path.push_str(&format!("M{at} {row}h{run}v1h-{run}z"));
                }
                at += run.max(1);
            }
        }
        path
    }

    /// A drawing of the code for a terminal: two rows a line, with a quiet zone.
    pub fn text(&self) -> String {
        let at = |row: isize, column: isize| {
            let (Ok(row), Ok(column)) = (usize::try_from(row), usize::try_from(column)) else {
                return false;
            };
            column < self.side
                && self
                    .dark
                    .get(row * self.side + column)
                    .copied()
                    .unwrap_or(false)
        };
        let side = isize::try_from(self.side).unwrap_or(0);
        let mut text = String::new();
        let mut row = -4;
        while row < side + 4 {
            for column in -4..side + 4 {
                // Light squares are drawn, since terminals are dark more often than not.
                text.push(match (at(row, column), at(row + 1, column)) {
                    (true, true) => ' ',
                    (false, true) => '▀',
                    (true, false) => '▄',
                    (false, false) => '█',
                });
            }
            text.push('\n');
            row += 2;
        }
        text
    }
}

/// The content of a QR code for a file.
///
/// # Errors
/// `usage.argument` when it does not fit, with the bytes that it would take.
pub fn payload(file: &[u8]) -> Result<Vec<u8>> {
    let failed = |e: std::io::Error| Problem::new(Code::Internal, e.to_string());
    let mut deflate = ZlibEncoder::new(MAGIC.to_vec(), Compression::best());
    deflate.write_all(file).map_err(failed)?;
    let payload = deflate.finish().map_err(failed)?;
    if payload.len() > MAX_PAYLOAD {
        let what = format!(
            "It does not fit into a QR code: {} bytes, and {MAX_PAYLOAD} fit.",
            payload.len()
        );
        return Err(Problem::new(Code::UsageArgument, what)
            .remedy("Hand it over as a file.")
            .field("qr"));
    }
    Ok(payload)
}

/// A QR code for a file.
///
/// # Errors
/// As [`payload`].
pub fn squares(file: &[u8]) -> Result<Squares> {
    let payload = payload(file)?;
    // The less is in it, the more of it may be unreadable.
    let code = [EcLevel::M, EcLevel::L]
        .into_iter()
        .find_map(|level| QrCode::with_error_correction_level(&payload, level).ok());
    let code =
        code.ok_or_else(|| Problem::new(Code::Internal, "The QR code could not be made."))?;
    let dark = code.to_colors().iter().map(|c| *c == Color::Dark).collect();
    Ok(Squares {
        side: code.width(),
        dark,
    })
}

/// The file in the content of a QR code.
///
/// # Errors
/// `signing.format` when it is something else.
pub fn file(payload: &[u8]) -> Result<Vec<u8>> {
    let deflated = payload
        .strip_prefix(MAGIC)
        .ok_or_else(|| bad("it holds something else than a Headgate file"))?;
    let mut file = Vec::new();
    ZlibDecoder::new(deflated)
        .take(MAX_INFLATED.min(MAX_REQUEST as u64) + 1)
        .read_to_end(&mut file)
        .map_err(|_| bad("its content is damaged"))?;
    if file.len() as u64 > MAX_INFLATED {
        return Err(bad("its content is too large"));
    }
    Ok(file)
}

/// The file in a picture that a person chose.
///
/// # Errors
/// As [`read_png`]; `signing.format` too when it is no regular file or too large.
pub fn read_chosen(picture: &Path) -> Result<Vec<u8>> {
    read_png(&inbox::read_chosen(picture, MAX_PICTURE)?)
}

/// The file in a picture of a QR code: a PNG, a photograph or a screenshot.
///
/// # Errors
/// `signing.format` when there is no such code in it.
pub fn read_png(picture: &[u8]) -> Result<Vec<u8>> {
    let (width, height, grey) = decode(picture)?;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
        grey.get(y * width + x).copied().unwrap_or(255)
    });
    let mut last = bad("there is no QR code in the picture");
    for grid in image.detect_grids() {
        let mut payload = Vec::new();
        match grid.decode_to(&mut payload) {
            Ok(_) => match file(&payload) {
                Ok(file) => return Ok(file),
                Err(problem) => last = problem,
            },
            Err(_) => last = bad("its QR code cannot be read: take a sharper or larger picture"),
        }
    }
    Err(last)
}

/// Width, height and brightness of each pixel.
fn decode(picture: &[u8]) -> Result<(usize, usize, Vec<u8>)> {
    let broken = |e: png::DecodingError| bad(&format!("the picture cannot be read as a PNG: {e}"));
    let mut decoder = png::Decoder::new(picture);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    decoder.set_limits(png::Limits { bytes: 256 << 20 });
    let mut reader = decoder.read_info().map_err(broken)?;
    let (width, height) = (reader.info().width, reader.info().height);
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(bad("the picture has too many pixels"));
    }
    let mut pixels = vec![0; reader.output_buffer_size()];
    let frame = reader.next_frame(&mut pixels).map_err(broken)?;
    let channels = frame.color_type.samples();
    let grey = pixels
        .chunks_exact(channels)
        .take(width as usize * height as usize)
        .map(brightness)
        .collect();
    Ok((width as usize, height as usize, grey))
}

fn brightness(pixel: &[u8]) -> u8 {
    let (grey, alpha) = match *pixel {
        [grey] => (u32::from(grey), 255),
        [grey, alpha] => (u32::from(grey), u32::from(alpha)),
        [red, green, blue] => (luma(red, green, blue), 255),
        [red, green, blue, alpha] => (luma(red, green, blue), u32::from(alpha)),
        _ => (255, 255),
    };
    // What is transparent stands on white.
    u8::try_from((grey * alpha + 255 * (255 - alpha)) / 255).unwrap_or(255)
}

fn luma(red: u8, green: u8, blue: u8) -> u32 {
    (u32::from(red) * 299 + u32::from(green) * 587 + u32::from(blue) * 114) / 1000
}

/// The code as a PNG, eight pixels a square with a quiet zone of four squares.
///
/// # Errors
/// As [`squares`].
pub fn write_png(file: &[u8]) -> Result<Vec<u8>> {
    const SCALE: usize = 8;
    const QUIET: usize = 4;
    let squares = squares(file)?;
    let side = (squares.side + 2 * QUIET) * SCALE;
    let mut pixels = vec![255_u8; side * side];
    for (n, dark) in squares.dark.iter().enumerate() {
        let (row, column) = (n / squares.side + QUIET, n % squares.side + QUIET);
        for y in row * SCALE..(row + 1) * SCALE {
            if let Some(line) =
                pixels.get_mut(y * side + column * SCALE..y * side + (column + 1) * SCALE)
                && *dark
            {
                line.fill(0);
            }
        }
    }
    let failed = |e: png::EncodingError| Problem::new(Code::Internal, e.to_string());
    let mut out = Vec::new();
    let length = u32::try_from(side).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut out, length, length);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(out)
}

fn bad(why: &str) -> Problem {
    Problem::new(
        Code::SigningFormat,
        format!("The picture gives no file: {why}."),
    )
    .holds("Nothing was signed.")
    .remedy("Take the picture again, or hand the file over on a drive.")
}

//! A small mutation engine, the same on every run: bytes, numbers, words of the formats, splices, and
//! for zips also fields of headers that are kept consistent or made to lie.

use crate_seeds::support::{Around, Entry, deflated, stored, zip_with};

use super::seeds as crate_seeds;

/// xorshift64*.
pub struct Random(u64);

impl Random {
    /// Never of zero.
    pub fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 32) as usize) % n.max(1)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

const WORDS: [&[u8]; 40] = [
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x06\x07",
    b"PK\x07\x08",
    b"..",
    b"../",
    b"/",
    b"\\",
    b":",
    b"\0",
    b"e\xcc\x81",
    b"\xc3\xa9",
    b"\xe2\x80\xae",
    b"\xff",
    b"\xef\xbb\xbf",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\"",
    b"null",
    b"true",
    b"-1",
    b"0",
    b"1.0",
    b"1e3",
    b"9007199254740991",
    b"9007199254740992",
    b"18446744073709551616",
    b"\"path\"",
    b"\"size\"",
    b"\"stored\":{\"encoding\":\"br\"",
    b"\"__proto__\"",
    b"\\u0000",
    b"\\ud800",
    b" ",
    b"\n",
    b"[[[[[[[[",
];
const NUMBERS: [u64; 10] = [
    0,
    1,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    0xffff_fffe,
    1 << 32,
];

/// One input.
pub fn input(target: &str, seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = if target == "zip" && !random.one_in(3) {
        made_zip(random)
    } else {
        random.pick(seeds).clone()
    };
    // A third of the zips stay as they were made: their lies are in the fields.
    let rounds = match (target, random.below(3)) {
        ("zip", 0 | 1) => 0,
        _ => 1 + random.below(4),
    };
    for _ in 0..rounds {
        mutate(&mut bytes, seeds, random);
    }
    bytes.truncate(1 << 16);
    bytes
}

fn mutate(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let len = random.below(1 + (bytes.len() - at).min(64));
    match random.below(11) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = random.next() as u8,
        // A digit for a digit, a letter for a letter: what keeps a document canonical.
        2 | 3 => {
            let near = bytes[at..].iter().position(u8::is_ascii_alphanumeric);
            if let Some(at) = near.map(|n| at + n) {
                let base = if bytes[at].is_ascii_digit() {
                    b'0'
                } else {
                    b'a'
                };
                let range = if base == b'0' { 10 } else { 6 };
                bytes[at] = base + random.below(range) as u8;
            }
        }
        4 => drop(bytes.drain(at..at + len)),
        5 => {
            let part = bytes[at..at + len].to_vec();
            let to = random.below(bytes.len() + 1);
            bytes.splice(to..to, part);
        }
        6 => drop(bytes.splice(at..at, random.pick(&WORDS).iter().copied())),
        7 => drop(bytes.splice(at..at + len, random.pick(&WORDS).iter().copied())),
        8 => {
            let number = random.pick(&NUMBERS).to_le_bytes();
            let width = *random.pick(&[1, 2, 4, 8]);
            let end = (at + width).min(bytes.len());
            bytes[at..end].copy_from_slice(&number[..end - at]);
        }
        9 if random.one_in(4) => bytes.truncate(at),
        _ => {
            let other = random.pick(seeds);
            let from = random.below(other.len() + 1);
            let to = from + random.below(1 + (other.len() - from).min(64));
            bytes.splice(at..at + len, other[from..to].iter().copied());
        }
    }
}

const NAMES: [&[u8]; 20] = [
    b"a.js",
    b"A.js",
    b"d/",
    b"d/a.js",
    b"d/b c+.css",
    b"caf\xc3\xa9.js",
    b"cafe\xcc\x81.js",
    b"../x",
    b"/x",
    b"c:x",
    b"a\\b",
    b"a\0",
    b"con",
    b"x.",
    b"x ",
    b".env",
    b"a.js.br",
    b"a.js/x",
    b"",
    b"\xff",
];

fn made_zip(random: &mut Random) -> Vec<u8> {
    let mut entries = vec![crate_seeds::index()];
    for _ in 0..random.below(4) {
        let mut data = b"let a = 1;\n".repeat(random.below(40));
        if random.one_in(4) {
            data = (0..random.below(600))
                .map(|_| random.next() as u8)
                .collect();
        }
        let mut entry = if random.one_in(2) {
            stored("x", &data)
        } else {
            deflated("x", &data)
        };
        entry.name = match random.below(3) {
            0 => random.pick(&NAMES).to_vec(),
            _ => format!("f{}.js", random.below(9)).into_bytes(),
        };
        let place = random.below(entries.len() + 1);
        entries.insert(place, entry);
    }
    let mut around = Around::default();
    while random.one_in(2) {
        if random.one_in(4) {
            lie_around(&mut around, random);
        } else {
            let place = random.below(entries.len());
            lie(&mut entries[place], random);
        }
    }
    zip_with(&entries, &around)
}

fn lie(entry: &mut Entry, random: &mut Random) {
    let number = *random.pick(&NUMBERS) as u32;
    let near = |value: u32, random: &mut Random| match random.below(3) {
        0 => value.wrapping_add(1),
        1 => value.wrapping_sub(1),
        _ => number,
    };
    match random.below(16) {
        0 => entry.size = near(entry.size, random),
        1 => entry.compressed = near(entry.compressed, random),
        2 => entry.crc = near(entry.crc, random),
        3 => entry.method = *random.pick(&[0, 8, 9, 99]),
        4 => entry.flags ^= 1 << random.below(16),
        5 => entry.local_flags = Some(entry.flags ^ (1 << random.below(16))),
        6 => entry.local_name = Some(random.pick(&NAMES).to_vec()),
        7 => entry.local_crc = Some(number),
        8 => entry.local_sizes = Some((entry.size, near(entry.compressed, random))),
        9 => entry.offset = Some(number),
        10 => entry.attributes = number,
        11 => entry.attributes = (*random.pick(&[0o120_777, 0o040_755, 0o100_755, 0])) << 16,
        12 => entry.extra = extra(entry, random),
        13 => entry.local_extra = extra(entry, random),
        14 => {
            entry.flags |= 8;
            for word in [entry.crc, entry.compressed, entry.size] {
                entry.descriptor.extend(word.to_le_bytes());
            }
        }
        _ => {
            if let Some(at) = entry.data.len().checked_sub(1) {
                let at = random.below(at + 1);
                entry.data[at] ^= 1 << random.below(8);
            }
        }
    }
}

fn extra(entry: &Entry, random: &mut Random) -> Vec<u8> {
    let id: u16 = *random.pick(&[0x0001, 0x000d, 0x756e, 0x7075, 0x9901, 0x5455, 0x000a]);
    let mut body = vec![0; random.below(24)];
    if random.one_in(2) {
        body = [u64::from(entry.size), u64::from(entry.compressed)]
            .map(u64::to_le_bytes)
            .concat();
    }
    let len = body.len() as u16 + u16::from(random.one_in(8));
    [&id.to_le_bytes()[..], &len.to_le_bytes(), &body].concat()
}

fn lie_around(around: &mut Around, random: &mut Random) {
    let some = random.pick(&WORDS).to_vec();
    match random.below(7) {
        0 => around.prefix = some,
        1 => around.gap = some,
        2 => around.before_end = some,
        3 => around.comment = some,
        4 => around.after = some,
        5 => around.entries = Some(random.below(5) as u16),
        _ => around.directory_at = Some(*random.pick(&NUMBERS) as u32),
    }
}

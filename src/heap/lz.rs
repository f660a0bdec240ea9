//! Compression of large values: the LZ4 block format (Collet, 2011), with the choices that liblz4's fast compressor
//! makes, so that values take as much room as in PostgreSQL.

const MIN_MATCH: usize = 4;
/// The format wants no match to begin in the last bytes, and the very last ones as literals.
const TAIL: usize = 12;
const LITERALS: usize = 5;
/// From this on positions do not fit 16 bits, and the table has half as many entries.
const LONG: usize = (1 << 16) + TAIL - 1;
const SHORT_BITS: u32 = 13;
const LONG_BITS: u32 = 12;

/// Where a hash was seen last.
struct Table {
    seen: Vec<u32>,
    long: bool,
}

impl Table {
    fn of(input: &[u8]) -> Table {
        let long = input.len() >= LONG;
        Table { seen: vec![0; 1 << if long { LONG_BITS } else { SHORT_BITS }], long }
    }

    /// Of four bytes in a short input, of five in a long one.
    #[inline]
    fn hash(&self, input: &[u8], at: usize) -> usize {
        match (self.long, input[at..].first_chunk()) {
            (true, Some(eight)) => {
                ((u64::from_le_bytes(*eight) << 24).wrapping_mul(889_523_592_379) >> (64 - LONG_BITS)) as usize
            }
            _ => (word(input, at).wrapping_mul(2_654_435_761) >> (32 - SHORT_BITS)) as usize & (self.seen.len() - 1),
        }
    }

    /// What was seen there before, which may be something else; 0 doubles as "nothing".
    #[inline]
    fn swap(&mut self, hash: usize, at: usize) -> usize {
        std::mem::replace(&mut self.seen[hash], at as u32) as usize
    }
}

#[inline]
fn word(input: &[u8], at: usize) -> u32 {
    input[at..].first_chunk().map_or(0, |four| u32::from_le_bytes(*four))
}

/// Whether four bytes stand at both places, near enough for a reference.
#[inline]
fn matches(input: &[u8], before: usize, at: usize) -> bool {
    at - before <= u16::MAX as usize && word(input, before) == word(input, at)
}

/// The compressed bytes, if they are fewer.
pub fn compress(input: &[u8]) -> Option<Vec<u8>> {
    if input.len() >= 1 << 30 {
        return None;
    }
    let mut out = Vec::with_capacity(input.len());
    let mut anchor = 0;
    // Without room for a match before the tail all is literals.
    if let Some(last) = (input.len() + 1).checked_sub(TAIL).filter(|last| *last > 1) {
        let mut table = Table::of(input);
        let first = table.hash(input, 0);
        table.swap(first, 0);
        let mut at = 1;
        while let Some((mut before, mut from)) = search(&mut table, input, at, last) {
            while from > anchor && before > 0 && input[from - 1] == input[before - 1] {
                (before, from) = (before - 1, from - 1);
            }
            // One match may follow the other.
            loop {
                let room = input.len() - LITERALS;
                let mut end = from + MIN_MATCH;
                while end < room && input[before + end - from] == input[end] {
                    end += 1;
                }
                sequence(&mut out, &input[anchor..from], Some((from - before, end - from)));
                (anchor, at) = (end, end);
                if at >= last {
                    break;
                }
                let hash = table.hash(input, at - 2);
                table.swap(hash, at - 2);
                let hash = table.hash(input, at);
                before = table.swap(hash, at);
                if !matches(input, before, at) {
                    break;
                }
                from = at;
            }
            if at >= last || out.len() > input.len() {
                break;
            }
            at += 1;
        }
    }
    sequence(&mut out, &input[anchor..], None);
    (out.len() <= input.len()).then_some(out)
}

/// The next match from `at` on, by ever longer steps through what does not compress: where it was before and where it is.
fn search(table: &mut Table, input: &[u8], at: usize, last: usize) -> Option<(usize, usize)> {
    let (mut next, mut step, mut tries) = (at, 1, 1 << 6);
    let mut hash = table.hash(input, at);
    loop {
        let here = next;
        next += step;
        step = tries >> 6;
        tries += 1;
        if next > last {
            return None;
        }
        let ahead = table.hash(input, next);
        let before = table.swap(hash, here);
        hash = ahead;
        if matches(input, before, here) {
            return Some((before, here));
        }
    }
}

fn sequence(out: &mut Vec<u8>, literals: &[u8], found: Option<(usize, usize)>) {
    let match_code = found.map_or(0, |(_, len)| len - MIN_MATCH);
    out.push((literals.len().min(15) as u8) << 4 | match_code.min(15) as u8);
    length(out, literals.len());
    out.extend_from_slice(literals);
    if let Some((distance, _)) = found {
        out.extend_from_slice(&(distance as u16).to_le_bytes());
        length(out, match_code);
    }
}

fn length(out: &mut Vec<u8>, n: usize) {
    if n < 15 {
        return;
    }
    let mut rest = n - 15;
    while rest >= 255 {
        out.push(255);
        rest -= 255;
    }
    out.push(rest as u8);
}

/// Appends what was compressed; `None` (and `out` as it was) if the bytes are damaged or not `raw` long.
pub fn decompress(input: &[u8], raw: usize, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    let done = unpack(input, start + raw, start, out);
    if done.is_none() || out.len() != start + raw {
        out.truncate(start);
        return None;
    }
    Some(())
}

fn unpack(mut input: &[u8], end: usize, start: usize, out: &mut Vec<u8>) -> Option<()> {
    fn take<'a>(input: &mut &'a [u8], n: usize) -> Option<&'a [u8]> {
        let (now, later) = input.split_at_checked(n)?;
        *input = later;
        Some(now)
    }
    fn long(input: &mut &[u8], n: usize) -> Option<usize> {
        let mut n = n;
        if n == 15 {
            loop {
                let more = take(input, 1)?[0];
                n += more as usize;
                if more < 255 {
                    break;
                }
            }
        }
        Some(n)
    }
    while !input.is_empty() {
        let token = take(&mut input, 1)?[0];
        let literals = long(&mut input, (token >> 4) as usize)?;
        out.extend_from_slice(take(&mut input, literals)?);
        if input.is_empty() {
            break;
        }
        let d = take(&mut input, 2)?;
        let distance = u16::from_le_bytes([d[0], d[1]]) as usize;
        let len = long(&mut input, (token & 15) as usize)? + MIN_MATCH;
        if distance == 0 || distance > out.len() - start || out.len() + len > end {
            return None;
        }
        let from = out.len() - distance;
        if distance >= len {
            out.extend_from_within(from..from + len);
        } else {
            for i in 0..len {
                out.push(out[from + i]);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, mut seed: u64) -> Vec<u8> {
        (0..n)
            .map(|_| {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (seed >> 56) as u8
            })
            .collect()
    }

    /// What goes in comes out; noise is left alone; repetition shrinks.
    #[test]
    fn round_trips() {
        for n in [64, 65, 100, 300, 5000, 100_000] {
            let mut mixed = noise(n / 3, 5);
            let more = mixed.clone();
            mixed.extend(b"abcabcabcabc".iter().cycle().take(n / 2));
            mixed.extend(more);
            for input in [vec![b'x'; n], mixed, b"hello world, ".repeat(n / 13 + 6)] {
                if let Some(packed) = compress(&input) {
                    let mut out = vec![1, 2];
                    decompress(&packed, input.len(), &mut out).unwrap();
                    assert_eq!(&out[2..], &input[..]);
                }
            }
        }
        assert!(compress(&noise(10_000, 1)).is_none());
    }

    /// As many bytes as on PostgreSQL 15 (`pg_column_size` less the lengths before them).
    #[test]
    fn sizes_are_postgresqls() {
        let numbers: Vec<String> = (1..=3000).map(|n| n.to_string()).collect();
        let letters: Vec<String> = (1..=30_000).map(|n| format!("{}ä", n * 7919 % 1000)).collect();
        for (input, bytes) in [
            (vec![b'x'; 7000], 38),
            (vec![b'x'; 90_000], 363),
            (vec![b'x'; 900_000], 3540),
            (b"abcdefgh ".repeat(1000), 54),
            (numbers.join(" ").into_bytes(), 11_765),
            (letters.join(" ").into_bytes(), 4744),
        ] {
            assert_eq!(compress(&input).unwrap().len(), bytes);
        }
        assert!(compress(&[b'x'; 12]).is_none_or(|packed| packed.len() > 12));
    }

    /// Damaged bytes never panic nor pass for something of the right length by accident of bounds.
    #[test]
    fn damage_is_refused() {
        let packed = compress(&b"some text that repeats, some text that repeats. ".repeat(20)).unwrap();
        for i in 0..packed.len() {
            for bit in 0..8 {
                let mut bad = packed.clone();
                bad[i] ^= 1 << bit;
                let mut out = Vec::new();
                if decompress(&bad, 960, &mut out).is_some() {
                    assert_eq!(out.len(), 960);
                }
            }
            assert!(decompress(&packed[..i], 960, &mut Vec::new()).is_none());
        }
    }
}

//! Compression of large values: the LZ4 block format (Collet, 2011), greedy with one hash table.

const MIN_MATCH: usize = 4;
/// The format wants the last bytes as literals.
const TAIL: usize = 12;
const HASH_BITS: u32 = 12;

/// The compressed bytes, if they are fewer.
pub fn compress(input: &[u8]) -> Option<Vec<u8>> {
    if input.len() <= TAIL || input.len() >= 1 << 30 {
        return None;
    }
    let limit = input.len();
    let mut out = Vec::with_capacity(limit);
    let mut table = [0u32; 1 << HASH_BITS];
    let (mut at, mut anchor) = (0, 0);
    while at + TAIL < input.len() {
        let slot = &mut table[hash(&input[at..at + 4])];
        let candidate = *slot as usize;
        *slot = at as u32;
        // Position 0 doubles as "never seen"; the comparison tells.
        let near = at > candidate && at - candidate <= u16::MAX as usize;
        if !near || input[candidate..candidate + 4] != input[at..at + 4] {
            // Faster through what does not compress.
            at += 1 + ((at - anchor) >> 6);
            continue;
        }
        let room = input.len() - 5 - at;
        let mut len = MIN_MATCH;
        while len < room && input[candidate + len] == input[at + len] {
            len += 1;
        }
        sequence(&mut out, &input[anchor..at], Some((at - candidate, len)));
        at += len;
        anchor = at;
        if out.len() > limit {
            return None;
        }
    }
    sequence(&mut out, &input[anchor..], None);
    (out.len() <= limit).then_some(out)
}

fn hash(four: &[u8]) -> usize {
    let v = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
    (v.wrapping_mul(2_654_435_761) >> (32 - HASH_BITS)) as usize
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
        assert!(compress(&vec![b'x'; 10_000]).unwrap().len() < 100);
        assert!(compress(&noise(10_000, 1)).is_none());
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

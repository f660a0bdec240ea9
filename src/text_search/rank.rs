//! How well a document fits a query (PostgreSQL 15, tsrank.c: same formulas, in the same precision).

use crate::types::tsquery::{Answer, Found, Query};
use crate::types::tsvector::{Lexeme, entry, position, weight};

/// What the weights D, C, B and A count where nothing else is said.
pub const WEIGHTS: [f32; 4] = [0.1, 0.2, 0.4, 1.0];

const LAST_POSITION: u16 = (1 << 14) - 1;

/// How a rank is made independent of a document's length.
struct Norm(i32);

impl Norm {
    fn log_length(&self) -> bool {
        self.0 & 1 != 0
    }
    fn length(&self) -> bool {
        self.0 & 2 != 0
    }
    fn distance(&self) -> bool {
        self.0 & 4 != 0
    }
    fn unique(&self) -> bool {
        self.0 & 8 != 0
    }
    fn log_unique(&self) -> bool {
        self.0 & 16 != 0
    }
    fn of_itself(&self) -> bool {
        self.0 & 32 != 0
    }
}

fn words_in(document: &[Lexeme]) -> usize {
    document.iter().map(|l| l.positions.len().max(1)).sum()
}

/// The lexemes of a document that an operand means.
fn entries<'d>(document: &'d [Lexeme], operand: &Query) -> &'d [Lexeme] {
    let Query::Value { text, prefix, .. } = operand else { return &[] };
    let from = document.partition_point(|l| l.text.as_bytes() < text.as_bytes());
    let fits = |l: &Lexeme| if *prefix { l.text.starts_with(text.as_str()) } else { l.text == *text };
    let count = document[from..].iter().take_while(|l| fits(l)).count();
    &document[from..from + count]
}

/// The operands in the order of their texts, each text once.
fn unique_operands(query: &Query) -> Vec<&Query> {
    let text = |q: &&Query| match q {
        Query::Value { text, .. } => text.clone().into_bytes(),
        _ => Vec::new(),
    };
    let mut all = query.operands();
    all.sort_by_cached_key(text);
    all.dedup_by_key(|q| text(q));
    all
}

/// `ts_rank`
pub fn rank(weights: [f32; 4], document: &[Lexeme], query: &Query, method: i32) -> f32 {
    if document.is_empty() {
        return 0.0;
    }
    let norm = Norm(method);
    let mut res = match query {
        Query::And(..) | Query::Phrase(..) => near(weights, document, query),
        _ => often(weights, document, query),
    };
    if res < 0.0 {
        res = 1e-20;
    }
    let log2 = |n: usize| ((n + 1) as f64).ln() / std::f64::consts::LN_2;
    if norm.log_length() {
        res = (f64::from(res) / log2(words_in(document))) as f32;
    }
    if norm.length() {
        res /= words_in(document) as f32;
    }
    if norm.unique() {
        res /= document.len() as f32;
    }
    if norm.log_unique() {
        res = (f64::from(res) / log2(document.len())) as f32;
    }
    if norm.of_itself() {
        res /= res + 1.0;
    }
    res
}

/// What two words so far apart count for each other.
fn closeness(distance: i32) -> f32 {
    if distance > 100 {
        return 1e-30;
    }
    (1.0 / (1.005 + 0.05 * (f64::from(distance as f32) / 1.5 - 2.0).exp())) as f32
}

fn near(weights: [f32; 4], document: &[Lexeme], query: &Query) -> f32 {
    let operands = unique_operands(query);
    if operands.len() < 2 {
        return often(weights, document, query);
    }
    let nowhere = [entry(0, LAST_POSITION)];
    // The positions of each operand, and whether they are known.
    let mut places: Vec<Option<(&[u16], bool)>> = vec![None; operands.len()];
    let mut res = -1.0f32;
    for (i, operand) in operands.iter().enumerate() {
        for lexeme in entries(document, operand) {
            let own = match lexeme.positions.is_empty() {
                true => (&nowhere[..], false),
                false => (&lexeme.positions[..], true),
            };
            places[i] = Some(own);
            for other in places[..i].iter().flatten() {
                for a in own.0 {
                    for b in other.0 {
                        let mut distance = (i32::from(position(*a)) - i32::from(position(*b))).abs();
                        if distance == 0 && own.1 && other.1 {
                            continue;
                        }
                        if distance == 0 {
                            distance = LAST_POSITION.into();
                        }
                        let heavy = |p: &u16| weights[usize::from(weight(*p))];
                        let now = f64::from(heavy(a) * heavy(b) * closeness(distance)).sqrt() as f32;
                        res = match res < 0.0 {
                            true => now,
                            false => (1.0 - (1.0 - f64::from(res)) * (1.0 - f64::from(now))) as f32,
                        };
                    }
                }
            }
        }
    }
    res
}

fn often(weights: [f32; 4], document: &[Lexeme], query: &Query) -> f32 {
    let operands = unique_operands(query);
    let nowhere = [0u16];
    let mut res = 0.0f32;
    for operand in &operands {
        for lexeme in entries(document, operand) {
            let places = if lexeme.positions.is_empty() { &nowhere[..] } else { &lexeme.positions[..] };
            let (mut sum, mut best, mut best_at) = (0.0f32, -1.0f32, 0usize);
            for (j, p) in places.iter().enumerate() {
                let heavy = weights[usize::from(weight(*p))];
                sum += heavy / ((j + 1) * (j + 1)) as f32;
                if heavy > best {
                    (best, best_at) = (heavy, j);
                }
            }
            let without = best + sum - best / ((best_at + 1) * (best_at + 1)) as f32;
            res = (f64::from(res) + f64::from(without) / 1.644_934_066_85) as f32;
        }
    }
    match operands.len() {
        0 => res,
        n => res / n as f32,
    }
}

/// A place of a document with the operands that are there.
struct Place {
    entry: u16,
    operands: Vec<usize>,
}

/// The places of a document that a query names, in their order.
fn places(document: &[Lexeme], operands: &[&Query]) -> Vec<Place> {
    let mut found: Vec<(u16, u16, usize, usize)> = Vec::new();
    for (n, operand) in operands.iter().enumerate() {
        let Query::Value { weights, .. } = operand else { continue };
        for lexeme in entries(document, operand) {
            let index = document.iter().position(|l| std::ptr::eq(l, lexeme)).unwrap_or_default();
            for p in &lexeme.positions {
                if *weights == 0 || weights >> weight(*p) & 1 == 1 {
                    found.push((position(*p), weight(*p), index, n));
                }
            }
        }
    }
    found.sort_by_key(|(position, weight, index, _)| (*position, *weight, *index));
    found
        .chunk_by(|a, b| (a.0, a.1, a.2) == (b.0, b.1, b.2))
        .map(|same| Place { entry: entry(same[0].1, same[0].0), operands: same.iter().map(|s| s.3).collect() })
        .collect()
}

/// Where the operands are, of those places that have been looked at.
struct Seen<'q> {
    operands: &'q [&'q Query],
    at: Vec<Vec<u16>>,
}

impl Seen<'_> {
    fn add(&mut self, place: &Place) {
        for n in &place.operands {
            if self.at[*n].last() != Some(&position(place.entry)) {
                self.at[*n].push(position(place.entry));
            }
        }
    }

    fn fulfils(&self, query: &Query) -> bool {
        let mut check = |q: &Query, found: Option<&mut Found>| {
            let n = self.operands.iter().position(|o| std::ptr::eq(*o, q));
            match n.map(|n| &self.at[n]).filter(|at| !at.is_empty()) {
                None => Answer::No,
                Some(at) => {
                    if let Some(found) = found {
                        found.places = at.clone();
                        // Looked at from the end, they came in descending order.
                        found.places.sort_unstable();
                    }
                    Answer::Yes
                }
            }
        };
        query.answer(&mut check) != Answer::No
    }
}

/// The next part of the document that fulfils the query: its first and last place.
fn cover(places: &[Place], query: &Query, operands: &[&Query], from: &mut usize) -> Option<(usize, usize)> {
    loop {
        let mut seen = Seen { operands, at: vec![Vec::new(); operands.len()] };
        let end = (*from..places.len()).find(|n| {
            seen.add(&places[*n]);
            seen.fulfils(query)
        })?;
        if position(places[end].entry) == 0 {
            return None;
        }
        let mut seen = Seen { operands, at: vec![Vec::new(); operands.len()] };
        let begin = (*from..=end).rev().find(|n| {
            seen.add(&places[*n]);
            seen.fulfils(query)
        });
        if let Some(begin) = begin {
            *from = begin + 1;
            return Some((begin, end));
        }
        *from += 1;
    }
}

/// `ts_rank_cd`
pub fn cover_density(weights: [f32; 4], document: &[Lexeme], query: &Query, method: i32) -> f32 {
    let norm = Norm(method);
    let operands = query.operands();
    let places = places(document, &operands);
    if places.is_empty() {
        return 0.0;
    }
    let inverse = weights.map(|w| 1.0 / f64::from(w));
    let (mut sum, mut distances, mut before, mut covers) = (0.0f64, 0.0f64, 0.0f64, 0u32);
    let mut from = 0;
    while let Some((begin, end)) = cover(&places, query, &operands, &mut from) {
        let inside = &places[begin..=end];
        let weighed: f64 = inside.iter().map(|p| inverse[usize::from(weight(p.entry))]).sum();
        let (p, q) = (i32::from(position(places[begin].entry)), i32::from(position(places[end].entry)));
        let steps = (end - begin) as i32;
        let mut noise = q - p - steps;
        if noise < 0 {
            noise = steps / 2;
        }
        sum += inside.len() as f64 / weighed / f64::from(1 + noise);
        let middle = f64::from(q + p) / 2.0;
        if covers > 0 && middle > before {
            distances += 1.0 / (middle - before);
        }
        before = middle;
        covers += 1;
    }
    let words = words_in(document);
    if norm.log_length() && !document.is_empty() {
        sum /= ((words + 1) as f64).ln();
    }
    if norm.length() && words > 0 {
        sum /= words as f64;
    }
    if norm.distance() && covers > 0 && distances > 0.0 {
        sum /= f64::from(covers) / distances;
    }
    if norm.unique() && !document.is_empty() {
        sum /= document.len() as f64;
    }
    if norm.log_unique() && !document.is_empty() {
        sum /= ((document.len() + 1) as f64).ln() / std::f64::consts::LN_2;
    }
    if norm.of_itself() {
        sum /= sum + 1.0;
    }
    sum as f32
}

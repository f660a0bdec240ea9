//! Which objects mention what, so that a look for those that need something visits no others.
//!
//! What an object mentions is read off its stored form: every OID of a user's object anywhere in it, so that none can be
//! forgotten; and the words of its expressions, which name objects as SQL does. Both are candidates only: whoever asks
//! looks at the object.

use super::object::{Class, Object, ObjectKey, UserTypeKind};
use crate::base::Oid;
use serde_json::ser::{Formatter, Serializer};
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

#[derive(Default, Debug)]
pub struct Mentions {
    oids: BTreeSet<(Oid, ObjectKey)>,
    /// By the words' hashes: two words that have the same one share their candidates.
    words: BTreeSet<(u64, ObjectKey)>,
}

/// What one object mentions. It is found out once: a transaction that changes the object wants it, and the commit again.
#[derive(Debug)]
pub struct Said {
    oids: Box<[Oid]>,
    words: Box<[u64]>,
}

impl Said {
    pub fn of(object: &Object) -> Said {
        let mut words = Vec::new();
        each_word(object, &mut |word| words.push(hash(word)));
        words.sort_unstable();
        words.dedup();
        Said { oids: oids(object).into(), words: words.into() }
    }
}

impl Mentions {
    pub fn add(&mut self, key: ObjectKey, said: &Said) {
        self.oids.extend(said.oids.iter().map(|oid| (*oid, key)));
        self.words.extend(said.words.iter().map(|word| (*word, key)));
    }

    pub fn remove(&mut self, key: ObjectKey, said: &Said) {
        for oid in &said.oids {
            self.oids.remove(&(*oid, key));
        }
        for word in &said.words {
            self.words.remove(&(*word, key));
        }
    }

    /// The objects of a class that hold a user's OID.
    pub fn of_oid(&self, class: Oid, oid: Oid) -> impl Iterator<Item = ObjectKey> {
        let [first, last] = ends(class);
        self.oids.range((oid, first)..=(oid, last)).map(|(_, key)| *key)
    }

    /// The objects of a class with a word in their expressions, or a constraint of that name.
    pub fn of_word(&self, class: Oid, word: &str) -> impl Iterator<Item = ObjectKey> {
        let ([first, last], word) = (ends(class), hash(word));
        self.words.range((word, first)..=(word, last)).map(|(_, key)| *key)
    }
}

fn ends(class: Oid) -> [ObjectKey; 2] {
    let key = |oid, sub| ObjectKey { class, oid: Oid(oid), sub };
    [key(0, i32::MIN), key(u32::MAX, i32::MAX)]
}

fn hash(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    hasher.finish()
}

/// The numbers in an object's stored form that can be OIDs of users' objects.
fn oids(object: &Object) -> Vec<Oid> {
    struct Numbers<'a>(&'a mut Vec<Oid>);
    impl Formatter for Numbers<'_> {
        fn write_u32<W: io::Write + ?Sized>(&mut self, _: &mut W, value: u32) -> io::Result<()> {
            self.0.extend(Some(Oid(value)).filter(|oid| *oid >= Oid::FIRST_NORMAL));
            Ok(())
        }

        /// Access items have roles as `#` and a number.
        fn write_string_fragment<W: io::Write + ?Sized>(&mut self, _: &mut W, fragment: &str) -> io::Result<()> {
            for rest in fragment.split('#').skip(1) {
                let digits = rest.find(|c: char| !c.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
                self.0.extend(digits.parse().ok().map(Oid).filter(|oid| *oid >= Oid::FIRST_NORMAL));
            }
            Ok(())
        }
    }
    let mut found = Vec::new();
    if is_indexed(object) {
        // Serialising plain structs into nothing has no way to fail.
        let _ = serde::Serialize::serialize(object, &mut Serializer::with_formatter(io::sink(), Numbers(&mut found)));
        found.sort_unstable();
        found.dedup();
    }
    found
}

/// Statistics and comments go with what they are about, by its OID.
fn is_indexed(object: &Object) -> bool {
    !matches!(object, Object::Stats(_) | Object::Comment(_))
}

impl Class {
    /// The texts of its defaults and CHECKs, of triggers' conditions and a partition key, of an index's keys and predicate.
    pub fn expressions(&self) -> impl Iterator<Item = &str> {
        let defaults = self.attributes.iter().filter_map(|a| a.default.as_deref());
        let checks = self.constraints.iter().filter_map(|k| k.check.as_deref());
        let keys = self.index.iter().flat_map(|i| i.columns.iter().filter_map(|k| k.expr.as_deref()));
        let predicate = self.index.iter().filter_map(|i| i.predicate.as_deref());
        let conditions = self.triggers.iter().filter_map(|t| t.condition.as_deref());
        let parts = self.lineage.key.iter().flat_map(|k| k.columns.iter().filter_map(|c| c.expr.as_deref()));
        defaults.chain(checks).chain(keys).chain(predicate).chain(conditions).chain(parts)
    }
}

/// Parts of an SQL text that no name begins or ends within.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$'))).filter(|w| !w.is_empty())
}

fn each_word(object: &Object, f: &mut dyn FnMut(&str)) {
    match object {
        Object::Class(c) => {
            c.expressions().flat_map(words).for_each(&mut *f);
            c.constraints.iter().flat_map(super::Constraint::names).for_each(|n| f(n));
            c.triggers.iter().filter(|t| t.constraint.is_valid()).for_each(|t| f(&t.name));
        }
        Object::Type(t) => {
            let UserTypeKind::Domain { checks, default, .. } = &t.kind else { return };
            let texts = checks.iter().filter_map(|k| k.check.as_deref()).chain(default.as_deref());
            texts.flat_map(words).for_each(&mut *f);
            checks.iter().for_each(|k| f(&k.name));
        }
        Object::Function(p) => p.arg_defaults.iter().flatten().flat_map(|t| words(t)).for_each(&mut *f),
        Object::Statistics(s) => s.exprs.iter().flat_map(|t| words(t)).for_each(&mut *f),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::object::class;
    use super::super::{Constraint, ConstraintKind, Persistence, RelKind};
    use super::*;

    fn constraint(name: &str, check: &str, index: u32) -> Constraint {
        Constraint {
            oid: Oid(20_001),
            name: name.into(),
            kind: ConstraintKind::Check,
            columns: vec![1],
            check: Some(check.into()),
            index: Oid(index),
            foreign: None,
            deferrable: false,
            deferred: false,
            validated: true,
            inherited: 0,
            local: true,
            no_inherit: false,
            parent: Oid::INVALID,
        }
    }

    /// A table is found by every OID and word in it, under its own class alone, until it goes.
    #[test]
    fn objects_are_found_by_what_they_hold() {
        let (key, public) = (ObjectKey::new(class::RELATION, Oid(20_000)), Oid(2200));
        let mut c = Class::new(key.oid, "t".into(), public, RelKind::Table, Persistence::Permanent, Oid(16_400));
        c.acl = Some(vec!["#16401=r/#16400".into(), "=w/#16402".into()]);
        c.constraints.push(constraint("odd name", "(\"My F\"(a) > '20003'::regclass)", 20_002));
        let (object, mut mentions) = (Object::Class(c), Mentions::default());
        mentions.add(key, &Said::of(&object));
        let by_oid = |m: &Mentions, class, oid| m.of_oid(class, Oid(oid)).collect::<Vec<_>>();
        let by_word = |m: &Mentions, word| m.of_word(class::RELATION, word).collect::<Vec<_>>();
        for oid in [20_000, 20_001, 20_002, 16_400, 16_401, 16_402] {
            assert_eq!(by_oid(&mentions, class::RELATION, oid), [key], "{oid}");
            assert!(by_oid(&mentions, class::TYPE, oid).is_empty());
        }
        for word in ["odd name", "My", "F", "20003", "regclass"] {
            assert_eq!(by_word(&mentions, word), [key], "{word}");
        }
        assert!(by_oid(&mentions, class::RELATION, public.0).is_empty(), "no user's object");
        assert!(by_word(&mentions, "odd").is_empty() && by_word(&mentions, "t").is_empty());
        mentions.remove(key, &Said::of(&object));
        assert!(mentions.oids.is_empty() && mentions.words.is_empty());
    }
}

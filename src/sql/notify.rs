//! LISTEN, UNLISTEN and NOTIFY: what a transaction wants heard and said. Nothing of it counts before the commit, and
//! what a rolled back subtransaction wanted never does (PostgreSQL 15, async.c: same rules).

use hashbrown::HashSet;

/// A change of what the session listens on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    Listen(String),
    /// None: to nothing any more.
    Unlisten(Option<String>),
}

/// A message: channel and payload.
pub type Note = (String, String);

/// From so many messages on, which ones are there already is looked up instead of searched (PostgreSQL 15,
/// async.c, MIN_HASHABLE_NOTIFIES: same number).
const LOOKED_UP_FROM: usize = 16;

/// What the session listens on, and what its transaction wants.
#[derive(Default)]
pub struct Messages {
    /// In the order of the LISTENs.
    channels: Vec<String>,
    /// Each with the number of savepoints it was asked inside of, which never gets less from one to the next.
    actions: Vec<(usize, Action)>,
    notes: Vec<(usize, Note)>,
    /// The notes, once there are many.
    known: HashSet<Note>,
}

impl Messages {
    /// Nothing waits for the commit.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty() && self.notes.is_empty()
    }

    /// The channels listened on, by what is committed.
    pub fn channels(&self) -> &[String] {
        &self.channels
    }

    pub fn is_heard(&self, channel: &str) -> bool {
        self.channels.iter().any(|c| c == channel)
    }

    /// `depth`: how many savepoints there are.
    pub fn act(&mut self, depth: usize, action: Action) {
        self.actions.push((depth, action));
    }

    /// A message is sent once, however often it is asked for.
    pub fn say(&mut self, depth: usize, note: Note) {
        if self.notes.len() < LOOKED_UP_FROM {
            if self.notes.iter().all(|(_, n)| *n != note) {
                self.notes.push((depth, note));
            }
            return;
        }
        if self.known.is_empty() {
            self.known.extend(self.notes.iter().map(|(_, n)| n.clone()));
        }
        if self.known.insert(note.clone()) {
            self.notes.push((depth, note));
        }
    }

    /// A subtransaction ends, and only `depth` savepoints are left.
    pub fn leave_to(&mut self, depth: usize, keep: bool) {
        let inside = self.notes.partition_point(|(d, _)| *d <= depth);
        let acts = self.actions.partition_point(|(d, _)| *d <= depth);
        if keep {
            self.notes[inside..].iter_mut().for_each(|(d, _)| *d = depth);
            self.actions[acts..].iter_mut().for_each(|(d, _)| *d = depth);
            return;
        }
        for (_, note) in self.notes.drain(inside..) {
            self.known.remove(&note);
        }
        self.actions.truncate(acts);
    }

    /// The transaction is over. Returns the messages to be sent, and whether the channels are others now.
    pub fn end(&mut self, committed: bool) -> (Vec<Note>, bool) {
        let (actions, notes) = (std::mem::take(&mut self.actions), std::mem::take(&mut self.notes));
        self.known = HashSet::new();
        if !committed {
            return (Vec::new(), false);
        }
        let changed = !actions.is_empty();
        for (_, action) in actions {
            match action {
                Action::Listen(channel) if self.is_heard(&channel) => {}
                Action::Listen(channel) => self.channels.push(channel),
                Action::Unlisten(Some(channel)) => self.channels.retain(|c| *c != channel),
                Action::Unlisten(None) => self.channels.clear(),
            }
        }
        (notes.into_iter().map(|(_, note)| note).collect(), changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(n: usize) -> Note {
        ("c".to_owned(), n.to_string())
    }

    /// Each message once, few or many, and those of a rolled back savepoint may be said again.
    #[test]
    fn notes_are_said_once() {
        for count in [3, 100] {
            let mut m = Messages::default();
            for n in (0..count).chain(0..count) {
                m.say(0, note(n));
            }
            m.say(1, note(0));
            m.say(1, note(count));
            m.say(2, note(count + 1));
            m.leave_to(1, true);
            m.leave_to(0, false);
            m.say(0, note(count + 1));
            let (notes, changed) = m.end(true);
            assert_eq!(notes, (0..count).chain([count + 1]).map(note).collect::<Vec<_>>());
            assert!(!changed && m.is_empty());
        }
    }

    /// Channels change at the commit only.
    #[test]
    fn channels_follow_the_commit() {
        let mut m = Messages::default();
        let listen = |c: &str| Action::Listen(c.to_owned());
        m.act(0, listen("a"));
        assert!(!m.is_heard("a"));
        m.end(false);
        m.act(0, listen("b"));
        m.act(1, listen("c"));
        m.leave_to(0, false);
        m.act(1, listen("d"));
        m.leave_to(0, true);
        assert_eq!(m.end(true), (Vec::new(), true));
        assert_eq!(m.channels(), ["b", "d"]);
        m.act(0, Action::Unlisten(None));
        m.act(0, listen("e"));
        m.end(true);
        assert_eq!(m.channels(), ["e"]);
        m.act(0, Action::Unlisten(Some("e".to_owned())));
        m.end(false);
        assert_eq!(m.channels(), ["e"]);
    }
}

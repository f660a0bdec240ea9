//! The client's socket, for what is not bytes.

use crate::settings::{Id, Lookup, TcpTimes, View};
use std::fmt::Debug;
use std::sync::Arc;

/// What the session asks of the kernel about its client, and asks it for.
pub trait ClientSocket: Send + Sync + Debug {
    /// The client has hung up.
    fn is_closed(&self) -> bool;
    /// TCP's times as they are; none of a Unix socket.
    fn times(&self) -> Option<TcpTimes>;
    /// Sets what differs between the two, and says in the log what cannot be.
    fn set_times(&self, from: TcpTimes, to: TcpTimes);
}

/// The socket, and what the settings have made of it.
#[derive(Clone, Debug)]
pub(super) struct Times {
    socket: Arc<dyn ClientSocket>,
    /// As the system gave them.
    system: TcpTimes,
    now: TcpTimes,
}

impl Times {
    /// None of a Unix socket, which has none.
    pub fn of(socket: &Arc<dyn ClientSocket>) -> Option<Times> {
        socket.times().map(|system| Times { socket: socket.clone(), system, now: system })
    }

    pub fn system(&self) -> TcpTimes {
        self.system
    }

    /// Makes the socket follow the settings; 0 is the system's.
    pub fn follow(&mut self, view: &View) {
        let ids = [Id::TcpKeepalivesIdle, Id::TcpKeepalivesInterval, Id::TcpKeepalivesCount, Id::TcpUserTimeout];
        let mut wanted = self.system;
        for (time, id) in wanted.iter_mut().zip(ids) {
            match view.int(id) {
                0 => {}
                n => *time = n,
            }
        }
        if wanted != self.now {
            self.socket.set_times(self.now, wanted);
            self.now = wanted;
        }
    }
}

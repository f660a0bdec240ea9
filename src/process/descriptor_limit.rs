//! Open descriptors: the soft limit is raised to the hard one before anything else.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit and returns how many descriptors this process may have open.
pub fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let now = if raised.is_ok() { limit.maximum } else { limit.current };
    now.map_or(usize::MAX, |n| n as usize)
}

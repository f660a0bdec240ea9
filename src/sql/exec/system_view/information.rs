//! `information_schema`.

use super::View;

pub(super) const VIEWS: &[View] = &[];

//! The 8 KiB slotted page, pure bytes.

//! Outlast: a PostgreSQL-compatible server whose sessions outlive its main process.
//!
#![doc = include_str!("README.md")]

pub mod base;
pub mod settings;
pub mod stat;
pub mod types;

pub mod text_search;

pub mod auth;
pub mod process;

pub mod page;

pub mod disk;
pub mod wal;

pub mod buffer;
pub mod lock;
pub mod mvcc;
pub mod storage;
pub mod twophase;

pub mod brin;
pub mod btree;
pub mod gin;
pub mod gist;
pub mod heap;

pub mod catalog;
pub mod recovery;
pub mod xact;

pub mod sql;

pub mod wire;

pub mod session;

pub mod protocol;
pub mod worker;

pub mod engine;

pub mod cli;
pub mod logger;
pub mod postmaster;

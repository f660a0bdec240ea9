//! PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED.

use super::block::Block;
use super::client::Client;
use super::state::Session;
use super::wait;
use crate::base::{Error, Result, SqlState, Stop, Wait};
use crate::stat::PendingStats;
use crate::twophase::Finisher;
use crate::xact::{Ending, Preparation};

impl Session {
    /// PREPARE TRANSACTION: the command tag is COMMIT's kin or, where there was nothing to prepare, ROLLBACK.
    ///
    /// # Errors
    /// What kept it from being prepared; it is rolled back then, and its block is over.
    pub(super) async fn prepare_transaction(&mut self, client: &mut Client, gid: &str) -> Result<&'static str> {
        match self.block {
            Block::None | Block::Failed => {
                self.end_block(client, false, false).await?;
                return Ok("ROLLBACK");
            }
            Block::Implicit => {
                self.ensure_transaction();
                self.warn(client, SqlState::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
            }
            Block::Explicit => {}
        }
        let explicit = self.block.is_explicit();
        let prepared = self.prepare_now(client, gid).await;
        if explicit {
            self.block = Block::None;
        }
        match prepared {
            Ok(()) => Ok("PREPARE TRANSACTION"),
            Err(e) => {
                self.rollback();
                Err(e)
            }
        }
    }

    async fn prepare_now(&mut self, client: &mut Client, gid: &str) -> Result<()> {
        self.run_deferred(client).await?;
        if self.cx().routines.cursors.values().any(|c| c.facts.hold && !c.held) {
            let text = "cannot PREPARE a transaction that has created a cursor WITH HOLD";
            return Err(Error::unsupported(text).place("PreCommit_Portals", "portalmem.c", 737));
        }
        crate::sql::command::before_commit(self.cx())?;
        let backend = self.backend();
        let stats = backend.instance.stats.clone();
        let ask = Preparation {
            gid: gid.to_string(),
            owner: backend.user.current,
            written: backend.stats.prepare(&stats),
            notified: !backend.messages.is_empty(),
        };
        loop {
            let backend = self.backend();
            let catalog = backend.catalog.clone();
            let stop = match backend.txn.prepare(&catalog, &ask) {
                Ok(()) => break,
                Err(stop) => stop,
            };
            self.await_log(stop).await?;
        }
        self.after_end(true);
        Ok(())
    }

    /// COMMIT PREPARED and ROLLBACK PREPARED, outside a block.
    ///
    /// # Errors
    /// If there is none of that name, or this session may not end it.
    pub(super) async fn end_prepared(&mut self, gid: &str, commit: bool) -> Result<()> {
        self.ensure_transaction();
        let backend = self.backend();
        let who = Finisher {
            role: backend.user.current,
            is_superuser: backend.user.is_superuser,
            database: backend.database,
        };
        let (storage, catalog) = (backend.instance.storage.clone(), backend.catalog.clone());
        let mut ending = Ending::start(&storage, gid, who, commit)?;
        loop {
            match ending.step(&catalog) {
                Ok(()) => break,
                Err(stop) => self.await_log(stop).await?,
            }
        }
        let stats = self.backend().instance.stats.clone();
        PendingStats::end_prepared(commit, &ending.state().written, &stats);
        Ok(())
    }

    /// What a record's way to the disk may stop at.
    async fn await_log(&mut self, stop: Stop) -> Result<()> {
        match stop {
            Stop::Wait(w) => match *w {
                Wait::Flush(lsn) => {
                    let delay = self.commit_delay();
                    wait::flushed(&self.server, lsn, delay).await
                }
                _ => tokio::task::yield_now().await,
            },
            Stop::Yield => {}
            Stop::Error(e) => return Err(e),
        }
        Ok(())
    }
}

//! Procedures that change what is in a file, and what is said of it.

use super::{
    Procedures,
    answer::{NOT_SYNC, around, attr, before, changes, status},
    who,
};
use crate::servers::nfs::access::WRITE;
use nfs_mamont::{
    Buffer, Slice,
    auth::Credential,
    vfs::{WccData, commit, set_attr, write},
};
use nix::{
    errno::Errno,
    sys::{stat::fstat, uio::pwrite},
    unistd::{fdatasync, fsync},
};

impl set_attr::SetAttr for Procedures {
    async fn set_attr(&self, args: set_attr::Args, cred: &Credential) -> Result<set_attr::Success, set_attr::Fail> {
        let who = who(cred);
        let (told, set) = tokio::sync::oneshot::channel();
        let changed = self
            .changed(move |here| {
                let id = here.id(&args.file)?;
                let _ = told.send((here.generation, id));
                let to_be = changes(&args.new_attr);
                Ok(here.overlay.tree.change(id, &to_be, |stat| {
                    if let Some(guard) = args.guard {
                        let is = before(stat).ctime;
                        if (is.seconds, is.nanos) != (guard.ctime.seconds, guard.ctime.nanos) {
                            return Err(NOT_SYNC);
                        }
                    }
                    who.may_change(stat, &to_be)
                }))
            })
            .await;
        let wcc_data = around(set.await.ok(), &changed);
        match changed.value {
            Ok(()) => Ok(set_attr::Success { wcc_data }),
            Err(error) => Err(set_attr::Fail { error: status(error), wcc_data }),
        }
    }
}

impl write::Write<Slice> for Procedures {
    async fn write(&self, args: write::Args<Slice>, cred: &Credential) -> Result<write::Success, write::Fail> {
        let who = who(cred);
        let verifier = self.0.verifier();
        let written = self
            .at(move |here| {
                let id = here.id(&args.file)?;
                let open = here.overlay.tree.open(id, true)?;
                let was = fstat(&open.file)?;
                who.may_use(&was, WRITE)?;
                let mut offset = i64::try_from(args.offset).map_err(|_| Errno::EFBIG)?;
                let mut left = (args.size as usize).min(args.data.len());
                let whole = left;
                for chunk in args.data.chunks() {
                    let mut bytes = chunk.get(..left.min(chunk.len())).unwrap_or_default();
                    while !bytes.is_empty() {
                        let length = match pwrite(&open.file, bytes, offset) {
                            Ok(length) => length,
                            Err(Errno::EINTR) => continue,
                            // What was written is told; the rest fails when it is tried again.
                            Err(_) if left < whole => break,
                            Err(error) => return Err(error),
                        };
                        offset += i64::try_from(length).unwrap_or(i64::MAX);
                        left -= length;
                        bytes = bytes.get(length..).unwrap_or_default();
                    }
                    if !bytes.is_empty() {
                        break;
                    }
                }
                match args.stable {
                    write::StableHow::Unstable => {}
                    write::StableHow::DataSync => fdatasync(&open.file)?,
                    write::StableHow::FileSync => fsync(&open.file)?,
                }
                let after = attr(here.generation, id, &fstat(&open.file)?);
                let file_wcc = WccData { before: Some(before(&was)), after: Some(after) };
                Ok((file_wcc, u32::try_from(whole - left).unwrap_or(u32::MAX)))
            })
            .await;
        match written {
            Ok((file_wcc, count)) => {
                Ok(write::Success { file_wcc, count, committed: args.stable, verifier: write::Verifier(verifier) })
            }
            Err(error) => Err(write::Fail { error: status(error), wcc_data: WccData { before: None, after: None } }),
        }
    }
}

impl commit::Commit for Procedures {
    async fn commit(&self, args: commit::Args, _: &Credential) -> Result<commit::Success, commit::Fail> {
        let verifier = write::Verifier(self.0.verifier());
        let committed = self
            .at(move |here| {
                let id = here.id(&args.file)?;
                let open = here.overlay.tree.open(id, false)?;
                fdatasync(&open.file)?;
                Ok(attr(here.generation, id, &fstat(&open.file)?))
            })
            .await;
        match committed {
            Ok(after) => Ok(commit::Success { file_wcc: WccData { before: None, after: Some(after) }, verifier }),
            Err(error) => Err(commit::Fail { error: status(error), file_wcc: WccData { before: None, after: None } }),
        }
    }
}

//! Procedures that change nothing, but for those that list folders.

use super::{
    LARGEST, Procedures,
    answer::{attr, handle, status},
    who,
};
use crate::servers::nfs::access::{READ, SEARCH, WRITE};
use nfs_mamont::{
    Buffer, Slice,
    auth::Credential,
    vfs::{self, access, file, fs_info, fs_stat, get_attr, lookup, path_conf, read, read_link},
};
use nix::{
    errno::Errno,
    sys::{stat::fstat, uio::pread},
};
use std::ffi::OsString;

impl get_attr::GetAttr for Procedures {
    async fn get_attr(&self, args: get_attr::Args, _: &Credential) -> Result<get_attr::Success, get_attr::Fail> {
        let asked = self.at(move |at| Ok(at.known(&args.file)?.1));
        match asked.await {
            Ok(object) => Ok(get_attr::Success { object }),
            Err(error) => Err(get_attr::Fail { error: status(error) }),
        }
    }
}

impl lookup::Lookup for Procedures {
    async fn lookup(&self, args: lookup::Args, cred: &Credential) -> Result<lookup::Success, lookup::Fail> {
        let who = who(cred);
        let asked = self.at(move |at| {
            let (tree, folder) = (&at.overlay.tree, at.id(&args.parent)?);
            let own = tree.stat(folder)?;
            let dir_attr = Some(attr(at.generation, folder, &own));
            let name = OsString::from(args.name.into_inner());
            let found = who.may(&own, SEARCH).and_then(|()| tree.lookup(folder, &name));
            Ok((dir_attr, found.map(|(id, stat)| (handle(at.generation, id), attr(at.generation, id, &stat)))))
        });
        match asked.await {
            Ok((dir_attr, Ok((file, is)))) => Ok(lookup::Success { file, file_attr: Some(is), dir_attr }),
            Ok((dir_attr, Err(error))) => Err(lookup::Fail { error: status(error), dir_attr }),
            Err(error) => Err(lookup::Fail { error: status(error), dir_attr: None }),
        }
    }
}

impl access::Access for Procedures {
    async fn access(&self, args: access::Args, cred: &Credential) -> Result<access::Success, access::Fail> {
        let who = who(cred);
        let asked = self.at(move |at| {
            let id = at.id(&args.file)?;
            let stat = at.overlay.tree.stat(id)?;
            let is = attr(at.generation, id, &stat);
            let folder = matches!(is.file_type, file::Type::Directory);
            let rights = who.rights(&stat);
            let mut allowed = 0;
            for (right, bits) in [
                (READ, access::Mask::READ),
                (WRITE, access::Mask::MODIFY | access::Mask::EXTEND | if folder { access::Mask::DELETE } else { 0 }),
                (SEARCH, if folder { access::Mask::LOOKUP } else { access::Mask::EXECUTE }),
            ] {
                if rights & right != 0 {
                    allowed |= bits;
                }
            }
            Ok((is, access::Mask::from_wire(allowed & args.mask.bits())))
        });
        match asked.await {
            Ok((is, access)) => Ok(access::Success { object_attr: Some(is), access }),
            Err(error) => Err(access::Fail { error: status(error), object_attr: None }),
        }
    }
}

impl read_link::ReadLink for Procedures {
    async fn read_link(&self, args: read_link::Args, _: &Credential) -> Result<read_link::Success, read_link::Fail> {
        let asked = self.at(move |at| {
            let (id, is) = at.known(&args.file)?;
            let target = at.overlay.tree.target(id)?.into_string().map_err(|_| Errno::EIO)?;
            Ok((is, file::Path::new(target).map_err(|_| Errno::ENAMETOOLONG)?))
        });
        match asked.await {
            Ok((is, data)) => Ok(read_link::Success { symlink_attr: Some(is), data }),
            Err(error) => Err(read_link::Fail { symlink_attr: None, error: status(error) }),
        }
    }
}

impl read::Read<Slice> for Procedures {
    async fn read(
        &self,
        args: read::Args,
        mut data: Slice,
        cred: &Credential,
    ) -> Result<read::Success<Slice>, read::Fail> {
        let who = who(cred);
        let asked = self.at(move |at| {
            let id = at.id(&args.file)?;
            let open = at.overlay.tree.open(id, false)?;
            let stat = fstat(&open.file)?;
            who.may_use(&stat, READ)?;
            let mut offset = i64::try_from(args.offset).map_err(|_| Errno::EINVAL)?;
            let (mut count, mut left) = (0usize, args.count as usize);
            'chunks: for chunk in data.chunks_mut() {
                let room = chunk.len().min(left);
                let mut filled = 0;
                while let Some(space) = chunk.get_mut(filled..room).filter(|space| !space.is_empty()) {
                    match pread(&open.file, space, offset) {
                        Ok(0) => break 'chunks,
                        Ok(length) => {
                            (filled, count, left) = (filled + length, count + length, left - length);
                            offset = offset.saturating_add(i64::try_from(length).unwrap_or(i64::MAX));
                        }
                        Err(Errno::EINTR) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            let eof = i64::try_from(args.offset).unwrap_or(i64::MAX).saturating_add(count as i64) >= stat.st_size;
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            let head = read::SuccessHeader { file_attr: Some(attr(at.generation, id, &stat)), count, eof };
            Ok(read::Success { head, data })
        });
        asked.await.map_err(|error| read::Fail { error: status(error), file_attr: None })
    }
}

impl fs_stat::FsStat for Procedures {
    async fn fs_stat(&self, args: fs_stat::Args, _: &Credential) -> Result<fs_stat::Success, fs_stat::Fail> {
        let asked = self.at(move |at| {
            let (_, is) = at.known(&args.root)?;
            Ok((is, at.overlay.tree.room()?))
        });
        let (is, room) = asked.await.map_err(|error| fs_stat::Fail { error: status(error), root_attr: None })?;
        let bytes = |blocks: u64| blocks.saturating_mul(room.fragment_size());
        Ok(fs_stat::Success {
            root_attr: Some(is),
            total_bytes: bytes(room.blocks()),
            free_bytes: bytes(room.blocks_free()),
            available_bytes: bytes(room.blocks_available()),
            total_files: room.files(),
            free_files: room.files_free(),
            available_files: room.files_available(),
            invarsec: 0,
        })
    }
}

impl fs_info::FsInfo for Procedures {
    async fn fs_info(&self, args: fs_info::Args, _: &Credential) -> Result<fs_info::Success, fs_info::Fail> {
        let asked = self.at(move |at| Ok(at.known(&args.root)?.1));
        let is = asked.await.map_err(|error| fs_info::Fail { error: status(error), root_attr: None })?;
        Ok(fs_info::Success {
            root_attr: Some(is),
            read_max: LARGEST,
            read_pref: LARGEST,
            read_mult: 4096,
            write_max: LARGEST,
            write_pref: LARGEST,
            write_mult: 4096,
            read_dir_pref: 64 << 10,
            max_file_size: i64::MAX as u64,
            time_delta: file::Time { seconds: 0, nanos: 1 },
            properties: fs_info::Properties::from_wire(fs_info::Properties::ALL),
        })
    }
}

impl path_conf::PathConf for Procedures {
    async fn path_conf(&self, args: path_conf::Args, _: &Credential) -> Result<path_conf::Success, path_conf::Fail> {
        let asked = self.at(move |at| Ok(at.known(&args.file)?.1));
        let is = asked.await.map_err(|error| path_conf::Fail { error: status(error), file_attr: None })?;
        Ok(path_conf::Success {
            file_attr: Some(is),
            link_max: 32_000,
            name_max: u32::try_from(vfs::MAX_NAME_LEN).unwrap_or(255),
            no_trunc: true,
            chown_restricted: true,
            case_insensitive: false,
            case_preserving: true,
        })
    }
}

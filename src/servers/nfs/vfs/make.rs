//! Procedures that make, name and remove files.

use super::{
    Procedures,
    answer::{around, attr, changes, handle, status},
    who,
};
use crate::{
    roots::{Changed, Changes, Id, Kind, When},
    servers::nfs::access::{SEARCH, WRITE, Who},
};
use nfs_mamont::{
    auth::Credential,
    vfs::{
        DirOpArgs, WccData, create,
        file::{Attr, Device, Handle},
        link, mk_dir, mk_node, remove, rename, rm_dir,
        set_attr::NewAttr,
        symlink,
    },
};
use nix::{
    errno::Errno,
    sys::stat::{FileStat, SFlag, makedev},
};
use std::ffi::OsString;

const SET_GROUP: u32 = 0o2000;

/// A file that was made.
struct Made {
    file: Option<Handle>,
    attr: Option<Attr>,
    wcc: WccData,
}

/// How it is made: what it is to be, and what is done where the name is taken.
struct Wish {
    kind: Kind,
    changes: Changes,
    /// A regular file that is there is as good, cut to this size where one is told.
    or_take: bool,
    /// The times that say that it was made by this very call.
    mark: Option<(When, When)>,
}

impl Wish {
    fn new(kind: Kind, new: &NewAttr) -> Wish {
        Wish { kind, changes: changes(new), or_take: false, mark: None }
    }
}

impl Procedures {
    async fn make(&self, at: DirOpArgs, cred: &Credential, wish: Wish) -> Result<Made, (Errno, WccData)> {
        let who = who(cred);
        let (told, made) = tokio::sync::oneshot::channel();
        let changed = self
            .changed(move |here| {
                let (tree, folder) = (&here.overlay.tree, here.id(&at.dir)?);
                let _ = told.send((here.generation, folder));
                let name = OsString::from(at.name.into_inner());
                let own = tree.stat(folder)?;
                let mut to_be = wish.changes;
                inherit(&who, &own, &wish.kind, &mut to_be);
                // Size is not for making.
                let size = to_be.size.take();
                let mut changed =
                    tree.make(folder, &name, &wish.kind, &to_be, |folder| who.may(folder, WRITE | SEARCH));
                if matches!(changed.value, Err(Errno::EEXIST)) && (wish.or_take || wish.mark.is_some()) {
                    changed.value = who.may(&own, SEARCH).and_then(|()| {
                        let (id, stat) = tree.lookup(folder, &name)?;
                        taken(&who, tree, id, stat, size, wish.mark)
                    });
                }
                Ok(changed)
            })
            .await;
        let whose = made.await.ok();
        let wcc = around(whose, &changed);
        match (changed.value, whose) {
            (Ok((id, stat)), Some((generation, _))) => {
                Ok(Made { file: Some(handle(generation, id)), attr: Some(attr(generation, id, &stat)), wcc })
            }
            (Ok(_), None) => Err((Errno::EIO, wcc)),
            (Err(error), _) => Err((error, wcc)),
        }
    }
}

/// Whose a new file is: who makes it, and where the folder says so, of the folder's group.
fn inherit(who: &Who, folder: &FileStat, kind: &Kind, to_be: &mut Changes) {
    let by_folder = folder.st_mode & SET_GROUP != 0;
    to_be.uid = Some(if who.uid == 0 { to_be.uid.unwrap_or(0) } else { who.uid });
    let group = if by_folder { folder.st_gid } else { who.gid };
    to_be.gid = Some(if who.uid == 0 { to_be.gid.unwrap_or(group) } else { group });
    if by_folder && matches!(kind, Kind::Folder) {
        to_be.mode = Some(to_be.mode.unwrap_or(0o755) | SET_GROUP);
    }
}

/// The file of that name which is there, if it will do.
fn taken(
    who: &Who,
    tree: &crate::roots::Tree,
    id: Id,
    stat: FileStat,
    size: Option<u64>,
    mark: Option<(When, When)>,
) -> crate::roots::Result<(Id, FileStat)> {
    if let Some(mark) = mark {
        let is = (When::At(stat.st_atime, stat.st_atime_nsec), When::At(stat.st_mtime, stat.st_mtime_nsec));
        return if is == mark && stat.st_size == 0 { Ok((id, stat)) } else { Err(Errno::EEXIST) };
    }
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG => {}
        SFlag::S_IFDIR => return Err(Errno::EISDIR),
        _ => return Err(Errno::EEXIST),
    }
    if size.is_some() {
        let cut = Changes { size, ..Changes::default() };
        tree.change(id, &cut, |stat| who.may_change(stat, &cut)).value?;
    }
    Ok((id, tree.stat(id)?))
}

impl create::Create for Procedures {
    async fn create(&self, args: create::Args, cred: &Credential) -> Result<create::Success, create::Fail> {
        let wish = match args.how {
            create::How::Unchecked(new) => Wish { or_take: true, ..Wish::new(Kind::File, &new) },
            create::How::Guarded(new) => Wish::new(Kind::File, &new),
            create::How::Exclusive(create::Verifier([a, b, c, d, e, f, g, h])) => {
                // Kept in the times, which the client sets next (RFC 1813, section 3.3.8).
                let half = |four: [u8; 4]| When::At(i64::from(u32::from_be_bytes(four) & 0x7fff_ffff), 0);
                let (atime, mtime) = (half([a, b, c, d]), half([e, f, g, h]));
                let changes = Changes { mode: Some(0), atime: Some(atime), mtime: Some(mtime), ..Changes::default() };
                Wish { kind: Kind::File, changes, or_take: false, mark: Some((atime, mtime)) }
            }
        };
        match self.make(args.object, cred, wish).await {
            Ok(Made { file, attr, wcc }) => Ok(create::Success { file, attr, wcc_data: wcc }),
            Err((error, wcc_data)) => Err(create::Fail { error: status(error), wcc_data }),
        }
    }
}

impl mk_dir::MkDir for Procedures {
    async fn mk_dir(&self, args: mk_dir::Args, cred: &Credential) -> Result<mk_dir::Success, mk_dir::Fail> {
        match self.make(args.object, cred, Wish::new(Kind::Folder, &args.attr)).await {
            Ok(Made { file, attr, wcc }) => Ok(mk_dir::Success { file, attr, wcc_data: wcc }),
            Err((error, dir_wcc)) => Err(mk_dir::Fail { error: status(error), dir_wcc }),
        }
    }
}

impl symlink::Symlink for Procedures {
    async fn symlink(&self, args: symlink::Args, cred: &Credential) -> Result<symlink::Success, symlink::Fail> {
        let kind = Kind::Link(args.path.into_inner().into_os_string());
        match self.make(args.object, cred, Wish::new(kind, &args.attr)).await {
            Ok(Made { file, attr, wcc }) => Ok(symlink::Success { file, attr, wcc_data: wcc }),
            Err((error, dir_wcc)) => Err(symlink::Fail { error: status(error), dir_wcc }),
        }
    }
}

impl mk_node::MkNode for Procedures {
    async fn mk_node(&self, args: mk_node::Args, cred: &Credential) -> Result<mk_node::Success, mk_node::Fail> {
        let number = |device: Device| makedev(u64::from(device.major), u64::from(device.minor));
        let (kind, new) = match args.what {
            mk_node::What::Char(new, device) => (Kind::Special(SFlag::S_IFCHR, number(device)), new),
            mk_node::What::Block(new, device) => (Kind::Special(SFlag::S_IFBLK, number(device)), new),
            mk_node::What::Socket(new) => (Kind::Special(SFlag::S_IFSOCK, 0), new),
            mk_node::What::Fifo(new) => (Kind::Special(SFlag::S_IFIFO, 0), new),
        };
        let device = matches!(kind, Kind::Special(SFlag::S_IFCHR | SFlag::S_IFBLK, _));
        let made = if device && who(cred).uid != 0 {
            Err((Errno::EPERM, WccData { before: None, after: None }))
        } else {
            self.make(args.object, cred, Wish::new(kind, &new)).await
        };
        match made {
            Ok(Made { file, attr, wcc }) => Ok(mk_node::Success { file, attr, wcc_data: wcc }),
            Err((error, dir_wcc)) => Err(mk_node::Fail { error: status(error), dir_wcc }),
        }
    }
}

impl Procedures {
    async fn take_away(&self, at: DirOpArgs, cred: &Credential, of_folder: bool) -> (Result<(), Errno>, WccData) {
        let who = who(cred);
        let (told, taken) = tokio::sync::oneshot::channel();
        let changed = self
            .changed(move |here| {
                let folder = here.id(&at.dir)?;
                let _ = told.send((here.generation, folder));
                let name = OsString::from(at.name.into_inner());
                let may = |folder: &FileStat, file: &FileStat| who.may_remove(folder, file);
                Ok(here.overlay.tree.remove(folder, &name, of_folder, may))
            })
            .await;
        let wcc = around(taken.await.ok(), &changed);
        (changed.value, wcc)
    }
}

impl remove::Remove for Procedures {
    async fn remove(&self, args: remove::Args, cred: &Credential) -> Result<remove::Success, remove::Fail> {
        match self.take_away(args.object, cred, false).await {
            (Ok(()), wcc_data) => Ok(remove::Success { wcc_data }),
            (Err(error), dir_wcc) => Err(remove::Fail { error: status(error), dir_wcc }),
        }
    }
}

impl rm_dir::RmDir for Procedures {
    async fn rm_dir(&self, args: rm_dir::Args, cred: &Credential) -> Result<rm_dir::Success, rm_dir::Fail> {
        match self.take_away(args.object, cred, true).await {
            (Ok(()), wcc_data) => Ok(rm_dir::Success { wcc_data }),
            (Err(error), dir_wcc) => Err(rm_dir::Fail { error: status(error), dir_wcc }),
        }
    }
}

impl rename::Rename for Procedures {
    async fn rename(&self, args: rename::Args, cred: &Credential) -> Result<rename::Success, rename::Fail> {
        let who = who(cred);
        let done = self
            .at(move |here| {
                let (from, to) = (here.id(&args.from.dir)?, here.id(&args.to.dir)?);
                let name = |name: nfs_mamont::vfs::file::Name| OsString::from(name.into_inner());
                let (called, new) = (name(args.from.name), name(args.to.name));
                let changed = here.overlay.tree.rename((from, &called), (to, &new), |[out_of, into, file], there| {
                    who.may_remove(out_of, file)?;
                    match there {
                        Some(there) => who.may_remove(into, there),
                        None => who.may(into, WRITE | SEARCH),
                    }
                });
                let [source, target] = changed;
                let wcc = |id: Id, changed: &Changed<()>| around(Some((here.generation, id)), changed);
                Ok((target.value, wcc(from, &source), wcc(to, &target)))
            })
            .await;
        let nothing = || WccData { before: None, after: None };
        let (ended, from_dir_wcc, to_dir_wcc) = done.unwrap_or_else(|error| (Err(error), nothing(), nothing()));
        self.0.note(ended.err());
        match ended {
            Ok(()) => Ok(rename::Success { from_dir_wcc, to_dir_wcc }),
            Err(error) => Err(rename::Fail { error: status(error), from_dir_wcc, to_dir_wcc }),
        }
    }
}

impl link::Link for Procedures {
    async fn link(&self, args: link::Args, cred: &Credential) -> Result<link::Success, link::Fail> {
        let who = who(cred);
        let (told, linked) = tokio::sync::oneshot::channel();
        let changed = self
            .changed(move |here| {
                let (id, folder) = (here.id(&args.file)?, here.id(&args.link.dir)?);
                let _ = told.send((here.generation, id, folder));
                let name = OsString::from(args.link.name.into_inner());
                Ok(here.overlay.tree.link(id, folder, &name, |folder| who.may(folder, WRITE | SEARCH)))
            })
            .await;
        let whose = linked.await.ok();
        let dir_wcc = around(whose.map(|(generation, _, folder)| (generation, folder)), &changed);
        match changed.value {
            Ok(stat) => {
                let file_attr = whose.map(|(generation, id, _)| attr(generation, id, &stat));
                Ok(link::Success { file_attr, dir_wcc })
            }
            Err(error) => Err(link::Fail { error: status(error), file_attr: None, dir_wcc }),
        }
    }
}

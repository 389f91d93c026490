//! `root new`: has a base made of packages beside its place, and puts it there whole.

use super::{New, Stopped, told};
use crate::{
    cli::Places,
    event::Fact,
    roots::{
        Beside,
        build::{Maker, NETWORK, NETWORK_AT, Recipe, mirrors_here, reached_here, suite_here},
    },
};
use std::{
    fs,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
    process::Command,
};

/// Makes it; what the maker says is seen as it says it.
pub fn new(wanted: &New, places: &Places) -> Result<(), Stopped> {
    let broken = |words: &str| Stopped::Broken(words.to_owned());
    let beside = Beside::new(&places.roots, &wanted.base)?;
    if !nix::unistd::geteuid().is_root() {
        return Err(broken("a base has files of many owners, and devices: call it as root, by sudo"));
    }
    let maker = Maker::here();
    let maker =
        maker.ok_or_else(|| broken("neither mmdebstrap nor debootstrap is here: apt-get install mmdebstrap"))?;
    let suite = wanted.suite.clone().or_else(suite_here);
    let suite =
        suite.ok_or_else(|| broken("this host is no Debian: say which release with --suite, such as bookworm"))?;
    let mirrors = if wanted.mirror.is_empty() { mirrors_here(&suite) } else { wanted.mirror.clone() };
    let recipe = Recipe { suite, include: wanted.include.clone(), mirrors, reached: reached_here() };

    let tree = beside.tree();
    let tree = std::path::absolute(&tree).unwrap_or(tree);
    let script = tree.with_file_name("network");
    write(&script, 0o755)?;
    eprintln!("making {} of {} with {}", wanted.base, recipe.suite, maker.name());
    let mut command = Command::new(maker.name());
    command.args(recipe.words(maker, std::env::consts::ARCH, &tree)).env("PXELATOR_NETWORK", &script);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    run(&mut command)?;
    if maker == Maker::Debootstrap {
        let inside = tree.join(NETWORK_AT);
        let folder = inside.parent().unwrap_or(&tree);
        fs::create_dir_all(folder).map_err(|error| Stopped::Broken(format!("{}: {error}", folder.display())))?;
        write(&inside, 0o755)?;
        run(Command::new("chroot").arg(&tree).args(["update-initramfs", "-u", "-k", "all"]))?;
    }
    let version = beside.put(&places.tftpboot)?;
    told(places, None, Fact::RootMade { base: wanted.base.clone(), of: None, kernel: version.clone() });
    say!("{} is made: {}, Linux {version}", wanted.base, places.roots.join(&wanted.base).display());
    say!("a machine boots it by a profile with this line in its file `root`; see conf/boot/nfsroot");
    say!("nobody can log in yet: chroot {} passwd", places.roots.join(&wanted.base).display());
    Ok(())
}

fn write(path: &Path, mode: u32) -> Result<(), Stopped> {
    let failed = |error| Stopped::Broken(format!("{}: {error}", path.display()));
    let mut file =
        fs::OpenOptions::new().create(true).truncate(true).write(true).mode(mode).open(path).map_err(failed)?;
    std::io::Write::write_all(&mut file, NETWORK.as_bytes()).map_err(failed)?;
    file.set_permissions(fs::Permissions::from_mode(mode)).map_err(failed)
}

fn run(command: &mut Command) -> Result<(), Stopped> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(Stopped::Broken(format!("{program} did not come through ({status}); nothing was made. See above")))
        }
        Err(error) => Err(Stopped::Broken(format!("cannot run {program}: {error}"))),
    }
}

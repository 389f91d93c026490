//! What a file is for, by its name, where no profile says it.

use crate::event::Role;

/// The part that the file at `path` plays; the last component decides, without a query.
pub fn role_of(path: &str) -> Role {
    let path = path.split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    // What shim and GRUB look for beside themselves and boot without: lists of revoked programs, more certificates, modules.
    let aside = (name.starts_with("revocations_") || name.starts_with("shim_certificate_")) && name.ends_with(".efi");
    if aside || ends(&[".lst", ".mod"]) {
        Role::Other
    } else if path.contains("pxelinux.cfg/") || ends(&[".ipxe"]) || name.starts_with("grub.cfg") {
        Role::Script
    } else if has(&["initrd", "initramfs"]) || ends(&[".cpio", ".cpio.gz"]) {
        Role::Initrd
    } else if ends(&[".kpxe", ".pxe", ".efi", ".0", ".c32", ".e64"]) {
        Role::Loader
    } else if has(&["vmlinuz", "bzimage", "linux", "kernel"]) {
        Role::Kernel
    } else {
        Role::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_name() {
        for (path, role) in [
            ("undionly.kpxe", Role::Loader),
            ("ipxe.efi", Role::Loader),
            ("pxelinux.0", Role::Loader),
            ("lpxelinux.0", Role::Loader),
            ("ldlinux.c32", Role::Loader),
            ("boot.ipxe?mac=52-54-00-00-00-01", Role::Script),
            ("pxelinux.cfg/01-52-54-00-00-00-01", Role::Script),
            ("shimx64.efi", Role::Loader),
            ("//grubx64.efi", Role::Loader),
            ("grub/grub.cfg", Role::Script),
            ("grub/grub.cfg-01-52-54-00-00-00-01", Role::Script),
            ("grub/x86_64-efi/command.lst", Role::Other),
            ("revocations_sku.efi", Role::Other),
            ("shim_certificate_0.efi", Role::Other),
            ("debian/vmlinuz", Role::Kernel),
            ("debian-installer/amd64/linux", Role::Kernel),
            ("practice/vmlinuz-missing", Role::Kernel),
            ("practice/initrd.img", Role::Initrd),
            ("initramfs-linux.img", Role::Initrd),
            ("live/filesystem.squashfs", Role::Other),
        ] {
            assert_eq!(role_of(path), role, "{path}");
        }
    }
}

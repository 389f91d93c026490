//! The first programs that a machine's firmware can be given, and the order in which they are tried. Pure.

use crate::{conf::Loader, event::Architecture};

/// A program that firmware loads first. All are Debian's, made ready by `tftpboot/loaders`, but those of 32-bit and ARM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Program {
    /// iPXE that uses the network driver of a BIOS.
    Undionly,
    /// iPXE for BIOS with drivers of its own.
    IpxePxe,
    /// PXELINUX, for BIOS.
    Pxelinux,
    /// iPXE for UEFI with drivers of its own.
    IpxeEfi,
    /// iPXE that uses the network driver of UEFI.
    SnponlyEfi,
    /// Debian's shim, signed by Microsoft. It loads GRUB.
    Shim,
    /// SYSLINUX, for UEFI.
    SyslinuxEfi,
    /// iPXE for 32-bit UEFI.
    IpxeIa32,
    /// iPXE for UEFI of 64-bit ARM, with drivers of its own.
    IpxeArm64,
    /// The same with UEFI's network driver.
    SnponlyArm64,
    /// Debian's shim for 64-bit ARM.
    ShimArm64,
}

use Program::{
    IpxeArm64, IpxeEfi, IpxeIa32, IpxePxe, Pxelinux, Shim, ShimArm64, SnponlyArm64, SnponlyEfi, SyslinuxEfi, Undionly,
};

const NAMES: [(Program, &str); 11] = [
    (Undionly, "undionly.kpxe"),
    (IpxePxe, "ipxe.pxe"),
    (Pxelinux, "pxelinux.0"),
    (IpxeEfi, "ipxe.efi"),
    (SnponlyEfi, "snponly.efi"),
    (Shim, "shimx64.efi"),
    (SyslinuxEfi, "syslinux.efi"),
    (IpxeIa32, "ipxe-i386.efi"),
    (IpxeArm64, "ipxe-arm64.efi"),
    (SnponlyArm64, "snponly-arm64.efi"),
    (ShimArm64, "shimaa64.efi"),
];

impl Program {
    /// Its file below `tftpboot`.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(program, _)| *program == self).map_or("", |(_, name)| name)
    }

    /// The program to be given instead where it is to leave for the machine's own disk: iPXE with drivers of its own hangs
    /// when it leaves UEFI's (seen in OVMF with virtio).
    pub fn that_leaves(self) -> Program {
        match self {
            IpxeEfi => SnponlyEfi,
            IpxeArm64 => SnponlyArm64,
            other => other,
        }
    }

    /// The program that a boot file, a path or a URL names.
    pub fn of(file: &str) -> Option<Program> {
        let name = file.rsplit('/').next().unwrap_or_default();
        NAMES.iter().find(|(_, known)| *known == name).map(|(program, _)| *program)
    }
}

/// What is tried on firmware of this architecture, in this order. One that says nothing of itself is a BIOS. Empty where
/// there is no program for it.
pub fn ladder(architecture: Option<Architecture>) -> &'static [Program] {
    match architecture {
        None | Some(Architecture::Bios) => &[Undionly, IpxePxe, Pxelinux],
        Some(Architecture::UefiX64) => &[IpxeEfi, SnponlyEfi, Shim, SyslinuxEfi],
        // Debian's signed GRUB has no HTTP, and SYSLINUX knows TFTP only: both would leave the machine standing.
        Some(Architecture::UefiHttpX64) => &[IpxeEfi, SnponlyEfi],
        Some(Architecture::UefiIa32) => &[IpxeIa32],
        Some(Architecture::UefiArm64) => &[IpxeArm64, SnponlyArm64, ShimArm64],
        Some(Architecture::UefiHttpArm64) => &[IpxeArm64, SnponlyArm64],
        Some(Architecture::Other(_)) => &[],
    }
}

/// The program that `loader` means for firmware of this architecture; none where the ladder decides.
pub fn pinned(loader: Loader, architecture: Option<Architecture>) -> Option<Program> {
    use Architecture::{Bios, UefiArm64, UefiHttpArm64, UefiHttpX64, UefiX64};
    match (loader, architecture) {
        (Loader::Auto, _) => None,
        (Loader::Snponly, Some(UefiX64 | UefiHttpX64)) => Some(SnponlyEfi),
        (Loader::Snponly, Some(UefiArm64 | UefiHttpArm64)) => Some(SnponlyArm64),
        (Loader::Grub, Some(UefiX64)) => Some(Shim),
        (Loader::Grub, Some(UefiArm64)) => Some(ShimArm64),
        (Loader::Pxelinux, None | Some(Bios)) => Some(Pxelinux),
        (Loader::Pxelinux, Some(UefiX64)) => Some(SyslinuxEfi),
        // What there is not for a firmware is iPXE there.
        (_, architecture) => ladder(architecture).first().copied(),
    }
}

/// A set of programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Programs(u16);

impl Programs {
    fn bit(program: Program) -> u16 {
        1 << program as u16
    }

    /// True if it has `program`.
    pub fn has(self, program: Program) -> bool {
        self.0 & Self::bit(program) != 0
    }

    /// True if it has none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set with `program` in it.
    #[must_use]
    pub fn with(self, program: Program) -> Programs {
        Programs(self.0 | Self::bit(program))
    }

    /// The set without those of `ladder`.
    #[must_use]
    pub fn without(self, ladder: &[Program]) -> Programs {
        Programs(ladder.iter().fold(self.0, |bits, program| bits & !Self::bit(*program)))
    }
}

/// What is known of a machine's firmware and the programs for it, over PXE or over HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    /// Those that it did not get on with, since one worked or all were tried.
    pub failed: Programs,
    /// The one that worked last (one for each kind of firmware), where it is not the first anyway.
    pub learned: Programs,
}

/// How far a machine is on the ladder of boot files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Climb {
    /// Over PXE.
    pub pxe: Tried,
    /// Over UEFI's HTTP boot.
    pub http: Tried,
}

impl Climb {
    /// Of the way that this architecture boots.
    pub fn of(&self, architecture: Option<Architecture>) -> Tried {
        if is_http(architecture) { self.http } else { self.pxe }
    }

    /// The program that firmware of this architecture is to try now.
    pub fn program(&self, architecture: Option<Architecture>) -> Option<Program> {
        let (ladder, tried) = (ladder(architecture), self.of(architecture));
        let learned = ladder.iter().filter(|program| tried.learned.has(**program));
        let rest = ladder.iter().filter(|program| !tried.learned.has(**program));
        let mut order = learned.chain(rest).copied();
        let first = order.clone().next();
        order.find(|program| !tried.failed.has(*program)).or(first)
    }

    /// `program` did not get on with firmware of this architecture. What fails over PXE need not be tried over HTTP.
    pub fn fail(&mut self, architecture: Option<Architecture>, program: Program) {
        let family = family(architecture);
        for (tried, way) in [(&mut self.pxe, family.0), (&mut self.http, family.1)] {
            tried.failed = tried.failed.with(program);
            let ladder = ladder(way);
            if ladder.iter().all(|program| tried.failed.has(*program)) {
                // At its end it begins anew.
                tried.failed = tried.failed.without(ladder);
            }
        }
    }

    /// `program` worked: nothing has failed any longer.
    pub fn work(&mut self, architecture: Option<Architecture>) {
        let family = family(architecture);
        self.pxe.failed = self.pxe.failed.without(ladder(family.0));
        self.http.failed = self.http.failed.without(ladder(family.1));
    }

    /// `program` is to be the first from now on.
    pub fn learn(&mut self, architecture: Option<Architecture>, program: Program) {
        let tried = if is_http(architecture) { &mut self.http } else { &mut self.pxe };
        tried.learned = tried.learned.without(ladder(architecture));
        if ladder(architecture).first() != Some(&program) {
            tried.learned = tried.learned.with(program);
        }
    }

    /// True where `program`, which worked, is not the one that is given first.
    pub fn is_news(&self, architecture: Option<Architecture>, program: Program) -> bool {
        let fresh = Climb {
            pxe: Tried { failed: Programs::default(), ..self.pxe },
            http: Tried { failed: Programs::default(), ..self.http },
        };
        ladder(architecture).contains(&program) && fresh.program(architecture) != Some(program)
    }
}

fn is_http(architecture: Option<Architecture>) -> bool {
    matches!(architecture, Some(Architecture::UefiHttpX64 | Architecture::UefiHttpArm64))
}

/// The same firmware over PXE and over HTTP.
fn family(architecture: Option<Architecture>) -> (Option<Architecture>, Option<Architecture>) {
    match architecture {
        Some(Architecture::UefiX64 | Architecture::UefiHttpX64) => {
            (Some(Architecture::UefiX64), Some(Architecture::UefiHttpX64))
        }
        Some(Architecture::UefiArm64 | Architecture::UefiHttpArm64) => {
            (Some(Architecture::UefiArm64), Some(Architecture::UefiHttpArm64))
        }
        // Of the rest there is none over HTTP: a ladder that is empty.
        other => (other, Some(Architecture::Other(u16::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Architecture::{Bios, UefiArm64, UefiHttpX64, UefiIa32, UefiX64};

    #[test]
    fn names() {
        for (program, name) in NAMES {
            assert_eq!((program.name(), Program::of(name)), (name, Some(program)));
        }
        assert_eq!(Program::of("http://10.77.0.1/ipxe.efi"), Some(IpxeEfi));
        assert_eq!(Program::of("http://10.77.0.1/boot.ipxe?mac=x"), None);
    }

    #[test]
    fn each_rung_in_its_turn_and_then_anew() {
        for (architecture, expected) in [
            (Some(Bios), &["undionly.kpxe", "ipxe.pxe", "pxelinux.0", "undionly.kpxe"][..]),
            (None, &["undionly.kpxe", "ipxe.pxe", "pxelinux.0", "undionly.kpxe"]),
            (Some(UefiX64), &["ipxe.efi", "snponly.efi", "shimx64.efi", "syslinux.efi", "ipxe.efi"]),
            (Some(UefiHttpX64), &["ipxe.efi", "snponly.efi", "ipxe.efi"]),
            (Some(UefiIa32), &["ipxe-i386.efi", "ipxe-i386.efi"]),
            (Some(UefiArm64), &["ipxe-arm64.efi", "snponly-arm64.efi", "shimaa64.efi", "ipxe-arm64.efi"]),
        ] {
            let mut climb = Climb::default();
            for name in expected {
                let program = climb.program(architecture).unwrap();
                assert_eq!(program.name(), *name, "{architecture:?}");
                climb.fail(architecture, program);
            }
        }
        assert_eq!(Climb::default().program(Some(Architecture::Other(99))), None);
    }

    #[test]
    fn what_fails_over_pxe_is_not_tried_over_http() {
        let mut climb = Climb::default();
        // Firmware with Secure Boot goes from one way to the other by itself.
        let mut given = Vec::new();
        for architecture in [UefiX64, UefiHttpX64, UefiX64] {
            let program = climb.program(Some(architecture)).unwrap();
            given.push(program);
            climb.fail(Some(architecture), program);
        }
        assert_eq!(given, [IpxeEfi, SnponlyEfi, Shim]);
    }

    #[test]
    fn what_worked_is_first() {
        let mut climb = Climb::default();
        climb.fail(Some(UefiX64), IpxeEfi);
        assert!(climb.is_news(Some(UefiX64), Shim) && !climb.is_news(Some(UefiX64), IpxeEfi));
        climb.work(Some(UefiX64));
        climb.learn(Some(UefiX64), Shim);
        assert_eq!((climb.program(Some(UefiX64)), climb.program(Some(UefiHttpX64))), (Some(Shim), Some(IpxeEfi)));
        assert!(!climb.is_news(Some(UefiX64), Shim) && climb.is_news(Some(UefiX64), IpxeEfi));
        // Where it fails after all, the others follow in their order.
        climb.fail(Some(UefiX64), Shim);
        assert_eq!(climb.program(Some(UefiX64)), Some(IpxeEfi));
        // The first of all needs no place of its own.
        climb.learn(Some(UefiX64), IpxeEfi);
        assert!(climb.pxe.learned.is_empty());
        // A BIOS beside it is another matter.
        climb.learn(Some(UefiX64), SnponlyEfi);
        climb.learn(Some(Bios), Pxelinux);
        assert_eq!((climb.program(Some(Bios)), climb.program(Some(UefiX64))), (Some(Pxelinux), Some(SnponlyEfi)));
    }
}

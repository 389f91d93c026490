//! A way to switch a machine, as it stands in a `power` file.

use super::power::{Amt, IpmiVersion, Qemu, Rung};
use crate::event::Architecture;
use std::fmt;

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method())?;
        match self {
            Rung::Amt(Amt { host, port, tls }) => {
                if *tls {
                    f.write_str(" tls")?;
                }
                if let Some(host) = host {
                    write!(f, " {host}")?;
                }
                port.map_or(Ok(()), |port| write!(f, ":{port}"))
            }
            Rung::Redfish(redfish) => write!(f, " {}", redfish.url),
            Rung::Ipmi(ipmi) => {
                write!(f, " {}", ipmi.host)?;
                if ipmi.port != 623 {
                    write!(f, ":{}", ipmi.port)?;
                }
                if let Some(cipher) = ipmi.cipher {
                    write!(f, " cipher={cipher}")?;
                }
                if ipmi.version == IpmiVersion::V1_5 { f.write_str(" version=1.5") } else { Ok(()) }
            }
            Rung::Wol(wol) => wol.broadcast.map_or(Ok(()), |broadcast| write!(f, " {broadcast}")),
            Rung::Qemu(Qemu { memory, cpus, firmware, secure, screen, disk }) => {
                if *memory != 256 {
                    write!(f, " mem={memory}")?;
                }
                if *cpus != 1 {
                    write!(f, " cpus={cpus}")?;
                }
                match firmware {
                    None => {}
                    Some(Architecture::Bios) => f.write_str(" firmware=bios")?,
                    Some(Architecture::UefiHttpX64) => f.write_str(" firmware=uefi-http")?,
                    Some(_) if *secure => f.write_str(" firmware=uefi-secure")?,
                    Some(_) => f.write_str(" firmware=uefi")?,
                }
                if *screen {
                    f.write_str(" screen=on")?;
                }
                disk.as_ref().map_or(Ok(()), |disk| write!(f, " disk={disk}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::conf::power::ladder;

    #[test]
    fn as_written() {
        for text in [
            "amt",
            "amt tls 10.77.0.200:16994",
            "redfish https://bmc1:8000/redfish/v1/Systems/1",
            "ipmi bmc1.lan",
            "ipmi bmc1.lan:6230 cipher=3",
            "ipmi bmc1.lan version=1.5",
            "wol",
            "wol 10.88.0.255",
            "qemu",
            "qemu mem=512 cpus=2 firmware=uefi-http",
            "qemu firmware=uefi-secure screen=on",
            "qemu firmware=bios disk=web1",
        ] {
            assert_eq!(ladder(text).unwrap()[0].to_string(), text);
        }
    }
}

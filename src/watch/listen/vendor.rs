//! Who made a network card, by the first octets of its address (IEEE's registry). Pure.

use crate::{event::printable, net::Mac};

/// Characters of a name.
const NAME: usize = 48;
/// Made up on the machine itself, rather than given to its maker.
const LOCAL: u8 = 2;
/// QEMU's, which is not in the registry.
const QEMU: [u8; 3] = [0x52, 0x54, 0];

/// The maker's name, where the registry has one.
pub fn vendor(mac: Mac) -> Option<String> {
    if mac.0.starts_with(&QEMU) {
        return Some("QEMU".to_owned());
    }
    if mac.0[0] & LOCAL != 0 {
        return None;
    }
    let digits: String = mac.0.iter().map(|octet| format!("{octet:02X}")).collect();
    oui_data::lookup(&digits).map(|found| printable(found.organization().trim(), NAME)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makers() {
        assert_eq!(vendor(Mac([0, 0, 0, 1, 2, 3])).as_deref(), Some("XEROX CORPORATION"));
        assert_eq!(vendor(Mac([0x52, 0x54, 0, 1, 2, 3])).as_deref(), Some("QEMU"));
        // Raspberry Pi.
        assert!(vendor(Mac([0xb8, 0x27, 0xeb, 1, 2, 3])).is_some_and(|name| name.contains("Raspberry")));
        assert_eq!(vendor(Mac([0x02, 0, 0, 1, 2, 3])), None);
    }
}

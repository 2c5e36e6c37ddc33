//! The lab format: what stands on the table before anybody touches it. Version 1.
//!
//! Authors write TOML (`static/labs/*.toml`); the page and sessions use the same structures as JSON. This module owns
//! the structures ([`spec`]), what makes a lab sound ([`Lab::validate`]), the derived names and MAC addresses, and the
//! lab's hash. It must not know how a world is built from it.

mod check;
mod check_hypervisor;
mod defaults;
mod service;
mod spec;
mod vm;

#[cfg(test)]
mod tests;

pub use check::{check_scope, is_name};
pub use service::*;
pub use spec::*;
pub use vm::*;

use serde::Deserialize;

use crate::addr::MacAddr;
use crate::error::UserError;
use crate::limits::LAB_BYTES_MAX;

/// Version of the format. A file says which it was written for in `format_version`.
pub const FORMAT_VERSION: u32 = 1;

/// The names that a Debian 12 guest gives to VirtualBox's adapters 1 to 8: systemd's predictable names from the PCI
/// slots 3, 8, 9, 10 and 16 to 19 that VirtualBox's PIIX3 chipset puts the cards in.
const GUEST_IFACES: [&str; 8] = ["enp0s3", "enp0s8", "enp0s9", "enp0s10", "enp0s16", "enp0s17", "enp0s18", "enp0s19"];

/// The guest's name of adapter 1 to 8; `None` for another number.
pub fn guest_iface_name(adapter: u8) -> Option<&'static str> {
    GUEST_IFACES.get(usize::from(adapter).checked_sub(1)?).copied()
}

impl Lab {
    /// Reads the JSON form and checks it. The first fault is returned; [`Lab::from_json_or_all`] has all of them.
    ///
    /// # Errors
    /// `lab-too-large`, `lab-malformed`, `lab-format-version`, and what [`Lab::validate`] finds.
    pub fn from_json(text: &str) -> Result<Self, UserError> {
        let first = |errors: Vec<UserError>| errors.into_iter().next();
        Self::from_json_or_all(text).map_err(|errors| first(errors).unwrap_or_else(|| UserError::new("lab-malformed")))
    }

    /// Reads the JSON form and checks it.
    ///
    /// # Errors
    /// As [`Lab::from_json`]: one fault where the text cannot be read, else all that [`Lab::validate`] finds.
    pub fn from_json_or_all(text: &str) -> Result<Self, Vec<UserError>> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            format_version: Option<u32>,
        }
        if text.len() > LAB_BYTES_MAX {
            return Err(vec![UserError::new("lab-too-large").with("bytes", text.len()).with("max", LAB_BYTES_MAX)]);
        }
        let malformed = |error: serde_json::Error| {
            let fault = UserError::new("lab-malformed").with("line", error.line()).with("column", error.column());
            vec![fault.with("message", &error)]
        };
        // The version first: a newer file's unknown fields are not the author's mistake.
        let head: Head = serde_json::from_str(text).map_err(malformed)?;
        if let Some(version) = head.format_version {
            check::version(version).map_err(|error| vec![error])?;
        }
        let lab: Self = serde_json::from_str(text).map_err(malformed)?;
        lab.validate()?;
        Ok(lab)
    }

    /// The JSON form: canonical, because fields come in the order of the structures and maps in the order of keys.
    pub fn to_json(&self) -> String {
        // Every map has text keys and no value can fail, so serialisation cannot either.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the lab is sound.
    ///
    /// # Errors
    /// Every fault found, in the order of the file; each names the place and the cure.
    pub fn validate(&self) -> Result<(), Vec<UserError>> {
        let errors = check::check(self);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// FNV-1a (64 bits) over the canonical JSON.
    pub fn hash(&self) -> u64 {
        fnv1a(self.to_json().as_bytes())
    }

    /// [`Lab::hash`] as sessions carry it: 16 hexadecimal digits.
    pub fn hash_hex(&self) -> String {
        format!("{:016x}", self.hash())
    }

    /// The machine of this name.
    pub fn machine(&self, name: &str) -> Option<&MachineSpec> {
        self.machines.iter().find(|machine| machine.name == name)
    }

    /// The VM of this name.
    pub fn vm(&self, name: &str) -> Option<&VmSpec> {
        self.vms.iter().find(|vm| vm.name == name)
    }

    /// The title in `lang`, else in English, else the name.
    pub fn title_in(&self, lang: &str) -> &str {
        self.title.get(lang).or_else(|| self.title.get("en")).map_or(&self.name, String::as_str)
    }
}

impl InterfaceSpec {
    /// The MAC: the file's, else one derived from the names.
    pub fn mac_of(&self, machine: &str) -> MacAddr {
        self.mac.unwrap_or_else(|| derived_mac([0x02, 0x4e, 0x4d], machine, &self.name))
    }
}

impl NicSpec {
    /// The MAC: the file's, else one derived from the VM's name and the adapter, under VirtualBox's prefix 08:00:27
    /// (VirtualBox itself takes the last three bytes from a fresh GUID).
    pub fn mac_of(&self, vm: &str) -> MacAddr {
        self.mac.unwrap_or_else(|| derived_mac([0x08, 0x00, 0x27], vm, &self.adapter.to_string()))
    }

    /// What the guest calls this card.
    pub fn iface_name(&self) -> &'static str {
        guest_iface_name(self.adapter).unwrap_or("enp0s3")
    }
}

/// The same MAC for the same names, in every run and on every machine. 02:4e:4d is locally administered ("NM").
pub fn derived_mac(prefix: [u8; 3], owner: &str, port: &str) -> MacAddr {
    let hash = fnv1a(format!("{owner}:{port}").as_bytes());
    let [.., x, y, z] = (hash ^ (hash >> 32)).to_be_bytes();
    let [a, b, c] = prefix;
    MacAddr([a, b, c, x, y, z])
}

/// FNV-1a, 64 bits: offset basis and prime of <http://www.isthe.com/chongo/tech/comp/fnv/>.
pub fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

//! Options: one table of codes, names (as in ISC's dhclient.conf) and types. RFC 2132, unless said otherwise.

use core::net::Ipv4Addr;

/// What an option's bytes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One IPv4 address.
    Address,
    /// IPv4 addresses.
    Addresses,
    /// Text.
    Text,
    /// A number of 8 bits.
    U8,
    /// A number of 16 bits.
    U16,
    /// A number of 32 bits.
    U32,
    /// Yes or no.
    Flag,
    /// Option codes.
    Codes,
    /// Anything.
    Bytes,
}

macro_rules! options {
    ($($constant:ident = $code:literal, $name:literal, $kind:ident;)*) => {
        $(#[doc = concat!("`", $name, "`")] pub const $constant: u8 = $code;)*

        /// All options we know by name: code, name, type.
        pub const TABLE: &[(u8, &str, Kind)] = &[$(($code, $name, Kind::$kind),)*];
    };
}

options! {
    SUBNET_MASK = 1, "subnet-mask", Address;
    TIME_OFFSET = 2, "time-offset", U32;
    ROUTERS = 3, "routers", Addresses;
    TIME_SERVERS = 4, "time-servers", Addresses;
    DOMAIN_NAME_SERVERS = 6, "domain-name-servers", Addresses;
    LOG_SERVERS = 7, "log-servers", Addresses;
    HOST_NAME = 12, "host-name", Text;
    DOMAIN_NAME = 15, "domain-name", Text;
    INTERFACE_MTU = 26, "interface-mtu", U16;
    BROADCAST_ADDRESS = 28, "broadcast-address", Address;
    NTP_SERVERS = 42, "ntp-servers", Addresses;
    VENDOR_ENCAPSULATED = 43, "vendor-encapsulated-options", Bytes;
    NETBIOS_NAME_SERVERS = 44, "netbios-name-servers", Addresses;
    NETBIOS_NODE_TYPE = 46, "netbios-node-type", U8;
    NETBIOS_SCOPE = 47, "netbios-scope", Text;
    REQUESTED_ADDRESS = 50, "dhcp-requested-address", Address;
    LEASE_TIME = 51, "dhcp-lease-time", U32;
    OVERLOAD = 52, "dhcp-option-overload", U8;
    MESSAGE_TYPE = 53, "dhcp-message-type", U8;
    SERVER_IDENTIFIER = 54, "dhcp-server-identifier", Address;
    PARAMETER_REQUEST_LIST = 55, "dhcp-parameter-request-list", Codes;
    MESSAGE = 56, "dhcp-message", Text;
    MAX_MESSAGE_SIZE = 57, "dhcp-max-message-size", U16;
    RENEWAL_TIME = 58, "dhcp-renewal-time", U32;
    REBINDING_TIME = 59, "dhcp-rebinding-time", U32;
    VENDOR_CLASS = 60, "vendor-class-identifier", Text;
    CLIENT_IDENTIFIER = 61, "dhcp-client-identifier", Bytes;
    TFTP_SERVER = 66, "tftp-server-name", Text;
    BOOTFILE = 67, "bootfile-name", Text;
    USER_CLASS = 77, "user-class", Text;
    RAPID_COMMIT = 80, "rapid-commit", Bytes;
    RELAY_AGENT = 82, "relay-agent-information", Bytes;
    DOMAIN_SEARCH = 119, "domain-search", Bytes;
    CLASSLESS_ROUTES = 121, "rfc3442-classless-static-routes", Bytes;
}

/// The name of an option: `unknown-N` for one that is not in the table, as dhclient writes it.
pub fn name(code: u8) -> String {
    TABLE
        .iter()
        .find(|(known, _, _)| *known == code)
        .map_or_else(|| format!("unknown-{code}"), |(_, name, _)| (*name).to_owned())
}

/// The code of an option's name.
pub fn code(name: &str) -> Option<u8> {
    TABLE.iter().find(|(_, known, _)| *known == name).map(|(code, _, _)| *code)
}

/// The type of an option.
pub fn kind(code: u8) -> Kind {
    TABLE.iter().find(|(known, _, _)| *known == code).map_or(Kind::Bytes, |(_, _, kind)| *kind)
}

/// An option's value as dhclient's lease file writes it; bytes in hexadecimal where they do not fit the type.
pub fn print(code: u8, bytes: &[u8]) -> String {
    let hex = || bytes.iter().map(|b| format!("{b:x}")).collect::<Vec<_>>().join(":");
    let number = || bytes.iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte)).to_string();
    match (kind(code), bytes.len()) {
        (Kind::Address, 4) | (Kind::Addresses, 4..) if bytes.len().is_multiple_of(4) => {
            addresses(bytes).iter().map(Ipv4Addr::to_string).collect::<Vec<_>>().join(",")
        }
        (Kind::Text, _) => {
            let text: String =
                bytes.iter().map(|b| if b.is_ascii_graphic() || *b == b' ' { char::from(*b) } else { '.' }).collect();
            format!("\"{text}\"")
        }
        (Kind::U8, 1) | (Kind::U16, 2) | (Kind::U32, 4) => number(),
        (Kind::Flag, 1) => if bytes == [0] { "false" } else { "true" }.to_owned(),
        (Kind::Codes, _) => bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(","),
        _ => hex(),
    }
}

/// The addresses in an option's bytes; what is left over at the end is not one.
pub fn addresses(bytes: &[u8]) -> Vec<Ipv4Addr> {
    bytes.chunks_exact(4).map(|b| Ipv4Addr::new(b[0], b[1], b[2], b[3])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_each_code_and_name_once_in_order() {
        assert!(TABLE.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(TABLE.iter().all(|(number, text, _)| code(text) == Some(*number) && name(*number) == *text));
    }

    #[test]
    fn values_print_as_in_a_lease_file() {
        assert_eq!(print(ROUTERS, &[10, 0, 2, 1]), "10.0.2.1");
        assert_eq!(print(DOMAIN_NAME, b"corp"), "\"corp\"");
        assert_eq!(print(LEASE_TIME, &[0, 9, 0x3a, 0x80]), "604800");
        assert_eq!(print(SUBNET_MASK, &[1, 2]), "1:2", "a wrong length is shown as it is");
    }
}

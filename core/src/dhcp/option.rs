//! Options: one table of codes, names and types: all of RFC 2132, and of later ones those that ISC's common/tables.c
//! names. Names and types are ISC's (dhcp-options(5)); `rfc3442-…` is Debian's dhclient.conf's.

use core::net::Ipv4Addr;

use crate::addr::Cidr;

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
    /// A number of 32 bits, with a sign.
    I32,
    /// Numbers of 16 bits.
    U16s,
    /// Pairs of IPv4 addresses.
    Pairs,
    /// Domain names, compressed as in DNS (RFC 3397).
    Names,
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
    TIME_OFFSET = 2, "time-offset", I32;
    ROUTERS = 3, "routers", Addresses;
    TIME_SERVERS = 4, "time-servers", Addresses;
    NAME_SERVERS = 5, "ien116-name-servers", Addresses;
    DOMAIN_NAME_SERVERS = 6, "domain-name-servers", Addresses;
    LOG_SERVERS = 7, "log-servers", Addresses;
    COOKIE_SERVERS = 8, "cookie-servers", Addresses;
    LPR_SERVERS = 9, "lpr-servers", Addresses;
    IMPRESS_SERVERS = 10, "impress-servers", Addresses;
    RESOURCE_LOCATION_SERVERS = 11, "resource-location-servers", Addresses;
    HOST_NAME = 12, "host-name", Text;
    BOOT_SIZE = 13, "boot-size", U16;
    MERIT_DUMP = 14, "merit-dump", Text;
    DOMAIN_NAME = 15, "domain-name", Text;
    SWAP_SERVER = 16, "swap-server", Address;
    ROOT_PATH = 17, "root-path", Text;
    EXTENSIONS_PATH = 18, "extensions-path", Text;
    IP_FORWARDING = 19, "ip-forwarding", Flag;
    NON_LOCAL_SOURCE_ROUTING = 20, "non-local-source-routing", Flag;
    POLICY_FILTER = 21, "policy-filter", Pairs;
    MAX_DGRAM_REASSEMBLY = 22, "max-dgram-reassembly", U16;
    DEFAULT_IP_TTL = 23, "default-ip-ttl", U8;
    PATH_MTU_AGING_TIMEOUT = 24, "path-mtu-aging-timeout", U32;
    PATH_MTU_PLATEAU_TABLE = 25, "path-mtu-plateau-table", U16s;
    INTERFACE_MTU = 26, "interface-mtu", U16;
    ALL_SUBNETS_LOCAL = 27, "all-subnets-local", Flag;
    BROADCAST_ADDRESS = 28, "broadcast-address", Address;
    PERFORM_MASK_DISCOVERY = 29, "perform-mask-discovery", Flag;
    MASK_SUPPLIER = 30, "mask-supplier", Flag;
    ROUTER_DISCOVERY = 31, "router-discovery", Flag;
    ROUTER_SOLICITATION_ADDRESS = 32, "router-solicitation-address", Address;
    STATIC_ROUTES = 33, "static-routes", Pairs;
    TRAILER_ENCAPSULATION = 34, "trailer-encapsulation", Flag;
    ARP_CACHE_TIMEOUT = 35, "arp-cache-timeout", U32;
    IEEE802_3_ENCAPSULATION = 36, "ieee802-3-encapsulation", Flag;
    DEFAULT_TCP_TTL = 37, "default-tcp-ttl", U8;
    TCP_KEEPALIVE_INTERVAL = 38, "tcp-keepalive-interval", U32;
    TCP_KEEPALIVE_GARBAGE = 39, "tcp-keepalive-garbage", Flag;
    NIS_DOMAIN = 40, "nis-domain", Text;
    NIS_SERVERS = 41, "nis-servers", Addresses;
    NTP_SERVERS = 42, "ntp-servers", Addresses;
    VENDOR_ENCAPSULATED = 43, "vendor-encapsulated-options", Bytes;
    NETBIOS_NAME_SERVERS = 44, "netbios-name-servers", Addresses;
    NETBIOS_DD_SERVER = 45, "netbios-dd-server", Addresses;
    NETBIOS_NODE_TYPE = 46, "netbios-node-type", U8;
    NETBIOS_SCOPE = 47, "netbios-scope", Text;
    FONT_SERVERS = 48, "font-servers", Addresses;
    X_DISPLAY_MANAGER = 49, "x-display-manager", Addresses;
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
    NWIP_DOMAIN = 62, "nwip-domain", Text;
    NWIP_SUBOPTIONS = 63, "nwip-suboptions", Bytes;
    NISPLUS_DOMAIN = 64, "nisplus-domain", Text;
    NISPLUS_SERVERS = 65, "nisplus-servers", Addresses;
    TFTP_SERVER = 66, "tftp-server-name", Text;
    BOOTFILE = 67, "bootfile-name", Text;
    MOBILE_IP_HOME_AGENT = 68, "mobile-ip-home-agent", Addresses;
    SMTP_SERVER = 69, "smtp-server", Addresses;
    POP_SERVER = 70, "pop-server", Addresses;
    NNTP_SERVER = 71, "nntp-server", Addresses;
    WWW_SERVER = 72, "www-server", Addresses;
    FINGER_SERVER = 73, "finger-server", Addresses;
    IRC_SERVER = 74, "irc-server", Addresses;
    STREETTALK_SERVER = 75, "streettalk-server", Addresses;
    STREETTALK_DIRECTORY = 76, "streettalk-directory-assistance-server", Addresses;
    USER_CLASS = 77, "user-class", Text;
    RAPID_COMMIT = 80, "rapid-commit", Bytes;
    FQDN = 81, "fqdn", Bytes;
    RELAY_AGENT = 82, "relay-agent-information", Bytes;
    NDS_SERVERS = 85, "nds-servers", Addresses;
    NDS_TREE_NAME = 86, "nds-tree-name", Text;
    NDS_CONTEXT = 87, "nds-context", Text;
    CLIENT_LAST_TRANSACTION_TIME = 91, "client-last-transaction-time", U32;
    ASSOCIATED_IP = 92, "associated-ip", Addresses;
    UAP_SERVERS = 98, "uap-servers", Text;
    NETINFO_SERVER_ADDRESS = 112, "netinfo-server-address", Addresses;
    NETINFO_SERVER_TAG = 113, "netinfo-server-tag", Text;
    DEFAULT_URL = 114, "default-url", Text;
    AUTO_CONFIG = 116, "auto-config", U8;
    NAME_SERVICE_SEARCH = 117, "name-service-search", U16s;
    SUBNET_SELECTION = 118, "subnet-selection", Address;
    DOMAIN_SEARCH = 119, "domain-search", Names;
    CLASSLESS_ROUTES = 121, "rfc3442-classless-static-routes", Codes;
    TFTP_SERVER_ADDRESS = 150, "tftp-server-address", Addresses;
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

/// The type of an option; bytes for one that is not in the table.
pub fn kind(code: u8) -> Kind {
    kind_of(code).unwrap_or(Kind::Bytes)
}

/// The type of an option that is in the table.
pub fn kind_of(code: u8) -> Option<Kind> {
    TABLE.iter().find(|(known, _, _)| *known == code).map(|(_, _, kind)| *kind)
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
        (Kind::I32, 4) => i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).to_string(),
        (Kind::U16s, 2..) if bytes.len().is_multiple_of(2) => {
            let number = |pair: &[u8]| u16::from_be_bytes([pair[0], pair[1]]).to_string();
            bytes.chunks_exact(2).map(number).collect::<Vec<_>>().join(",")
        }
        (Kind::Pairs, 8..) if bytes.len().is_multiple_of(8) => {
            let pair = |pair: &[Ipv4Addr]| format!("{} {}", pair[0], pair[1]);
            addresses(bytes).chunks_exact(2).map(pair).collect::<Vec<_>>().join(",")
        }
        (Kind::Names, _) => match names(bytes) {
            Some(names) => names.iter().map(|name| format!("\"{name}.\"")).collect::<Vec<_>>().join(", "),
            None => hex(),
        },
        (Kind::Flag, 1) => if bytes == [0] { "false" } else { "true" }.to_owned(),
        (Kind::Codes, _) => bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(","),
        _ => hex(),
    }
}

/// What [`print()`] printed, back as bytes; none where it is not of the option's type.
pub fn read(code: u8, text: &str) -> Option<Vec<u8>> {
    let list = || text.split(',').map(str::trim);
    let addresses = || list().map(|word| word.parse::<Ipv4Addr>().ok()).collect::<Option<Vec<_>>>();
    match kind(code) {
        Kind::Address | Kind::Addresses => Some(addresses()?.iter().flat_map(Ipv4Addr::octets).collect()),
        Kind::Text => Some(text.strip_prefix('"')?.strip_suffix('"')?.as_bytes().to_vec()),
        Kind::U8 => Some(vec![text.parse().ok()?]),
        Kind::U16 => Some(text.parse::<u16>().ok()?.to_be_bytes().to_vec()),
        Kind::U32 => Some(text.parse::<u32>().ok()?.to_be_bytes().to_vec()),
        Kind::I32 => Some(text.parse::<i32>().ok()?.to_be_bytes().to_vec()),
        Kind::Flag => Some(vec![u8::from(text == "true")]),
        Kind::Codes => list().map(|word| word.parse().ok()).collect(),
        Kind::U16s | Kind::Pairs | Kind::Names | Kind::Bytes => None,
    }
}

/// The addresses in an option's bytes; what is left over at the end is not one.
pub fn addresses(bytes: &[u8]) -> Vec<Ipv4Addr> {
    bytes.chunks_exact(4).map(|b| Ipv4Addr::new(b[0], b[1], b[2], b[3])).collect()
}

/// The domain names of option 119 (RFC 3397: DNS's compression, pointers count from the option's beginning). `None` where
/// the bytes are no such list.
pub fn names(bytes: &[u8]) -> Option<Vec<String>> {
    let (mut names, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let (name, next) = read_name(bytes, at)?;
        names.push(name);
        at = next;
    }
    Some(names)
}

/// One name, and where the next one begins. Pointers go backwards only, so that they end.
fn read_name(bytes: &[u8], start: usize) -> Option<(String, usize)> {
    let (mut name, mut at, mut next, mut limit) = (String::new(), start, None, start);
    loop {
        let len = usize::from(*bytes.get(at)?);
        match len {
            0 => return Some((name, next.unwrap_or(at + 1))),
            1..=63 => {
                let label = bytes.get(at + 1..at + 1 + len)?;
                if !label.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) || name.len() > 253 {
                    return None;
                }
                if !name.is_empty() {
                    name.push('.');
                }
                name.extend(label.iter().map(|b| char::from(*b)));
                at += 1 + len;
            }
            0xc0.. => {
                let to = (len & 0x3f) << 8 | usize::from(*bytes.get(at + 1)?);
                if to >= limit {
                    return None;
                }
                next = next.or(Some(at + 2));
                (at, limit) = (to, to);
            }
            _ => return None,
        }
    }
}

/// Domain names as option 119 holds them, without compression. `None` where a name is none.
pub fn emit_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for name in names {
        for label in name.trim_end_matches('.').split('.') {
            if label.is_empty() || label.len() > 63 {
                return None;
            }
            bytes.push(label.len() as u8);
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.push(0);
    }
    Some(bytes)
}

/// Routes of option 121 (RFC 3442): destination and router. What is not well formed ends the list.
pub fn classless_routes(bytes: &[u8]) -> Vec<(Cidr, Ipv4Addr)> {
    let (mut routes, mut rest) = (Vec::new(), bytes);
    while let [prefix @ 0..=32, tail @ ..] = rest {
        let significant = usize::from(*prefix).div_ceil(8);
        let (Some(dst), Some(via)) = (tail.get(..significant), tail.get(significant..significant + 4)) else { break };
        let mut octets = [0; 4];
        octets[..significant].copy_from_slice(dst);
        routes.push((Cidr::new(octets.into(), *prefix).network(), Ipv4Addr::new(via[0], via[1], via[2], via[3])));
        rest = &tail[significant + 4..];
    }
    routes
}

/// Routes as option 121 holds them.
pub fn emit_classless_routes(routes: &[(Cidr, Ipv4Addr)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (dst, via) in routes {
        bytes.push(dst.prefix);
        bytes.extend_from_slice(&dst.addr.octets()[..usize::from(dst.prefix).div_ceil(8)]);
        bytes.extend_from_slice(&via.octets());
    }
    bytes
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
        assert_eq!(print(TIME_OFFSET, &[255, 255, 255, 255]), "-1");
        assert_eq!(print(PATH_MTU_PLATEAU_TABLE, &[5, 220, 2, 64]), "1500,576");
        assert_eq!(print(STATIC_ROUTES, &[10, 9, 0, 1, 10, 0, 2, 1]), "10.9.0.1 10.0.2.1");
        assert_eq!(print(CLASSLESS_ROUTES, &[8, 10, 10, 0, 2, 1]), "8,10,10,0,2,1");
    }

    #[test]
    fn rfc_2132_is_complete() {
        let missing: Vec<u8> = (1..=76).filter(|code| kind_of(*code).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn rfc_3397_names_are_read_with_their_pointers_and_never_loop() {
        let list = emit_names(["eng.corp.example", "corp.example"]).unwrap();
        assert_eq!(names(&list).unwrap(), ["eng.corp.example", "corp.example"]);
        assert_eq!(print(DOMAIN_SEARCH, &list), "\"eng.corp.example.\", \"corp.example.\"");
        assert_eq!(names(b"\x03eng\x04corp\0\x02hr\xc0\x04").unwrap(), ["eng.corp", "hr.corp"]);
        assert_eq!(names(b"\xc0\x00"), None);
        assert_eq!(names(b"\x01a\xc0\x02"), None);
        assert_eq!(emit_names(["a..b"]), None);
    }

    #[test]
    fn rfc_3442_routes_keep_only_the_significant_octets() {
        let via = Ipv4Addr::new(10, 0, 2, 1);
        let routes: Vec<_> = ["0.0.0.0/0", "10.17.0.0/16", "10.27.129.0/24", "10.229.0.128/25"]
            .map(|dst| (dst.parse::<Cidr>().unwrap(), via))
            .into();
        let bytes = emit_classless_routes(&routes);
        assert_eq!(bytes[..10], [0, 10, 0, 2, 1, 16, 10, 17, 10, 0]);
        assert_eq!(classless_routes(&bytes), routes);
        assert_eq!(classless_routes(&[24, 10, 0]), []);
    }
}
